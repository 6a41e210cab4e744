// stub
#include "groups.h"
void wayland_check(const struct probe *p)
{
	(void)p;
}
