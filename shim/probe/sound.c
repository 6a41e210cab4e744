// stub
#include "groups.h"
void sound_check(const struct probe *p)
{
	(void)p;
}
