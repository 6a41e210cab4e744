# The container tier's own programs: static, so that they run in an empty root under any policy.
CONTAINER_CC ?= $(if $(shell command -v musl-gcc),musl-gcc,$(CC))
CONTAINER_PROGRAMS := $(addprefix $(BUILD)/tests/,app state calls inject)

$(CONTAINER_PROGRAMS): $(BUILD)/tests/%: tests/container/%.c
	@mkdir -p $(@D)
	$(CONTAINER_CC) -std=c11 -O1 -Wall -Wextra -Werror -static -idirafter /usr/include \
		-idirafter /usr/include/$(shell $(CC) -dumpmachine) -o $@ $<
