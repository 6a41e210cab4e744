/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach.h"
#include "state.h"
#include "sys.h"
#include "text.h"

#define STEP "stage"

/* The tmpfs holds NODES_MAX nodes and its root, no bytes. */
#define OPTIONS "mode=0700,size=4k,nr_inodes=160"

/* Return: the tmpfs's root directory, or -errno. */
static int make_stage(void)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    /* Or the mount below would be passed on to the namespace this one was copied from. */
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("stremio-hook", STATE_DIR, "tmpfs", MS_NOSUID | MS_NOEXEC, OPTIONS) < 0)
		return -errno;
	/*
	 * Held until this process ends: when instance_enter() leaves a namespace that nothing else
	 * holds, it waits for the kernel to unmount all that is in it. See worker_wait().
	 */
	(void)sys_open("/proc/self/ns/mnt", O_RDONLY);
	return sys_open(STATE_DIR, O_RDONLY | O_DIRECTORY);
}

/* Return: a detached mount of the new node, or -errno. */
static int make_node(int dir, struct node *n, uid_t uid, gid_t gid, size_t number)
{
	char name[24];
	struct stat st;
	struct text t;
	int tree;

	text_begin(&t, name, sizeof(name));
	text_num(&t, number);
	if (mknodat(dir, name, S_IFCHR | (n->name_only ? 0 : 0600), n->rdev) < 0)
		return -errno;
	/* It stays as it is made: the host's root's, and closed. */
	if (!n->name_only && (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
			      fchmodat(dir, name, 0660, 0) < 0))
		return -errno;
	tree = (int)syscall(SYS_open_tree, dir, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return -errno;
	if (fstat(tree, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != n->rdev) {
		close(tree);
		return -EIO;
	}
	n->fs = st.st_dev;
	n->ino = st.st_ino;
	return tree;
}

int stage(const struct nodes *want, uid_t uid, gid_t gid, struct staged *out, struct finding *f)
{
	int dir = make_stage();

	out->nodes.count = 0;
	if (dir < 0)
		return finding_set(f, 0, STEP, -dir, "cannot mount a private tmpfs at", STATE_DIR,
				   "liblxc and udev's service must allow it");
	for (size_t i = 0; i < want->count; i++) {
		struct node n = want->node[i];
		int tree = make_node(dir, &n, uid, gid, i);

		if (tree < 0) {
			close(dir);
			return finding_set(f, 0, STEP, -tree, "cannot make a node for", n.name,
					   NULL);
		}
		out->tree[i] = tree;
		out->nodes.node[i] = n;
		out->nodes.count++;
	}
	close(dir);
	return 0;
}

void stage_close(struct staged *s)
{
	for (size_t i = 0; i < s->nodes.count; i++) {
		if (s->tree[i] >= 0)
			close(s->tree[i]);
		s->tree[i] = -1;
	}
}
