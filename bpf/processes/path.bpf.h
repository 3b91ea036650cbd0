/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_PATH_BPF_H
#define SYNFW_PROCESS_PATH_BPF_H

/*
 * Where a file is, found by walking up from its dentry to the top of the tree of mounts: what a
 * process has as its root makes no difference, and neither does the name that it called the file
 * by.
 *
 * A file may have several paths, through bind mounts. Two are asked: that by the mount through
 * which it was opened, and that by the first mount of each file system on the way (`primary`),
 * which is the one that was there before others were made of it. In a tree without such mounts
 * they are the same.
 */
#include "scratch.bpf.h"

#define TMPFS_MAGIC	0x01021994
#define HUGETLBFS_MAGIC 0x958458f6

#define CUT_TO		(PATH_TAIL - SHORT_TEXT)
#define MAX_MOUNTS	8192 /* of a file system, that are looked through */
#define MAX_ERRNO	4095

struct path_loop {
	struct file_path *path;
};

static __always_inline void path_reset(struct file_path *path)
{
	path->total = 0;
	path->at = PATH_END;
	path->nr_reversed = 0;
	path->seen_primary = true;
	path->trusted = true;
	path->complete = false;
	path->trusted_mount = 0;
	path->host_mounts = 0;
}

/* Puts a component, of which path->name has `length` bytes, before what is there. */
static __always_inline void path_prepend(struct file_path *path, __u32 length)
{
	__u32 at = path->at, reversed = path->nr_reversed;

	length &= SHORT_TEXT - 1;
	if (at < SHORT_TEXT) { /* no room: the middle is given up */
		bpf_probe_read_kernel(&path->text[CUT_TO], SHORT_TEXT,
				      &path->text[at & (SHORT_TEXT - 1)]);
		at = CUT_TO;
	}
	at -= length + 1;
	path->text[at & (PATH_END - 1)] = '/';
	bpf_probe_read_kernel(&path->text[(at + 1) & (PATH_END - 1)], length, path->name);
	path->at = at;
	path->total += length + 1;
	if (reversed >= SYNFW_MAX_PATTERN)
		return;
	bpf_probe_read_kernel(&path->suffix.text[reversed & (SHORT_TEXT - 1)], length, path->name);
	reversed += length;
	if (reversed < SYNFW_MAX_PATTERN)
		path->suffix.text[reversed & (SHORT_TEXT - 1)] = '/';
	path->nr_reversed = reversed + 1;
}

/* Reads a name, as a whole even if it is changed meanwhile. False: it cannot be read. */
static __always_inline bool path_component(struct file_path *path, __u64 name)
{
	long length = bpf_probe_read_kernel_str(path->name, SHORT_TEXT, (const void *)name);

	if (length <= 1)
		return false;
	path_prepend(path, length - 1);
	return true;
}

static __always_inline __u64 mount_of(__u64 vfsmount)
{
	return vfsmount -
	       __builtin_preserve_field_info(((struct mount *)0)->mnt, BPF_FIELD_BYTE_OFFSET);
}

static long mount_step(__u32 index, struct path_loop *loop)
{
	const struct mount___single *mount = (const void *)loop->path->oldest;
	__u64 next = (__u64)BPF_CORE_READ(mount, mnt_next_for_sb);

	if (!next)
		return 1;
	loop->path->oldest = next;
	return 0;
}

/* The mount that was made first of those of a file system. */
static __always_inline __u64 mount_first(struct file_path *path, __u64 dentry)
{
	struct super_block *super = BPF_CORE_READ((struct dentry *)dentry, d_sb);
	struct path_loop loop = {.path = path};
	__u64 node;

	if (bpf_core_field_exists(((struct mount___single *)0)->mnt_next_for_sb)) {
		path->oldest = (__u64)BPF_CORE_READ((struct super_block___single *)super, s_mounts);
		if (path->oldest)
			bpf_loop(MAX_MOUNTS, mount_step, &loop, 0);
		return path->oldest;
	}
	node = (__u64)BPF_CORE_READ((struct super_block___list *)super, s_mounts.next);
	return node - bpf_core_field_offset(struct mount___list, mnt_instance);
}

/* Is it that one? Known without a search, whatever else is mounted. */
static __always_inline bool mount_is_first(struct file_path *path, __u64 mount)
{
	const struct mount___single *single = (const void *)mount;

	if (bpf_core_field_exists(((struct mount___single *)0)->mnt_next_for_sb))
		return !BPF_CORE_READ(single, mnt_next_for_sb);
	return mount_first(path, path->mount_root) == mount;
}

static __always_inline void path_enter_mount(struct file_path *path, __u64 mount)
{
	path->mount = mount;
	path->mount_root = (__u64)BPF_CORE_READ((struct mount *)mount, mnt.mnt_root);
	if (!path->primary && path->seen_primary && !mount_is_first(path, mount))
		path->seen_primary = false;
}

/* Does the mount belong to the host's own mount namespace, in which only the host's root mounts?
 * One of no namespace was unmounted, or is not mounted yet. Where it is not known which
 * namespace that is, no mount does: no path is trusted then, and a file is known by its inode
 * alone. */
static __always_inline bool mount_is_host(const struct file_path *path)
{
	const struct mount *mount = (const void *)path->mount;
	__s64 namespace = (__s64)BPF_CORE_READ(mount, mnt_ns);

	if (!namespace || (namespace < 0 && namespace >= -MAX_ERRNO) || !path->host_mounts)
		return false;
	return BPF_CORE_READ((struct mnt_namespace *)namespace, ns.inum) == path->host_mounts;
}

static __always_inline void path_check_mount(struct file_path *path)
{
	if (path->trusted_mount == path->mount)
		return;
	path->trusted_mount = path->mount;
	if (!mount_is_host(path))
		path->trusted = false;
}

/* From the root of a mount to where it is mounted. False: it is the top. */
static __always_inline bool path_leave_mount(struct file_path *path)
{
	const struct mount *mount = (const void *)path->mount;
	__u64 parent = (__u64)BPF_CORE_READ(mount, mnt_parent);

	if (parent == path->mount || !parent)
		return false;
	path_check_mount(path);
	path->dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
	path_enter_mount(path, path->primary ? mount_first(path, path->dentry) : parent);
	return true;
}

/* 1: the end. */
static long path_step(__u32 index, struct path_loop *loop)
{
	struct file_path *path = loop->path;
	const struct dentry *dentry = (const void *)path->dentry;
	__u64 parent;

	if (path->dentry == path->mount_root) {
		if (path_leave_mount(path))
			return 0;
		path->complete = true;
		return 1;
	}
	parent = (__u64)BPF_CORE_READ(dentry, d_parent);
	if (!parent || parent == path->dentry)
		return 1;
	path_check_mount(path);
	if (!path_component(path, (__u64)BPF_CORE_READ(dentry, d_name.name)))
		return 1;
	path->dentry = parent;
	return 0;
}

/* The path of a file, a struct file of the kernel's, into `path`. */
__noinline int path_walk(struct file_path *path, __u64 file, __u32 primary)
{
	struct path_loop loop = {.path = path};
	const struct synfw_process_state *state;
	__u32 zero = 0;
	__u64 mount;

	if (!path)
		return 0;
	path_reset(path);
	path->primary = primary;
	state = bpf_map_lookup_elem(&synfw_process_state, &zero);
	if (state)
		path->host_mounts = state->host_mounts;
	path->dentry = (__u64)BPF_CORE_READ((struct file *)file, f_path.dentry);
	mount = primary ? mount_first(path, path->dentry)
			: mount_of((__u64)BPF_CORE_READ((struct file *)file, f_path.mnt));
	path_enter_mount(path, mount);
	bpf_loop(SYNFW_MAX_PATH_STEPS, path_step, &loop, 0);
	return 0;
}

/* A file that never was in a directory, in memory: what memfd_create makes. Its name says what
 * was asked for, not where it is. */
static __always_inline bool file_is_memfd(struct process_scratch *scratch, __u64 file)
{
	struct dentry *dentry = BPF_CORE_READ((struct file *)file, f_path.dentry);
	struct vfsmount *mount = BPF_CORE_READ((struct file *)file, f_path.mnt);
	unsigned long magic;

	if (BPF_CORE_READ(dentry, d_parent) != dentry || BPF_CORE_READ(mount, mnt_root) == dentry)
		return false;
	magic = BPF_CORE_READ(dentry, d_sb, s_magic);
	return magic == TMPFS_MAGIC || magic == HUGETLBFS_MAGIC;
}

static __always_inline void file_identify(struct synfw_process_id *id, __u64 file)
{
	struct inode *inode = BPF_CORE_READ((struct file *)file, f_inode);

	id->kind = SYNFW_ID_FILE;
	id->number = BPF_CORE_READ(inode, i_generation);
	id->inode = BPF_CORE_READ(inode, i_ino);
	id->device = BPF_CORE_READ(inode, i_sb, s_dev);
	id->reserved = 0;
}

/* Keeps the end of the path for events, and says so when more was lost of it than they have room
 * for. */
static __always_inline void path_keep_tail(struct process_scratch *scratch)
{
	struct file_path *path = &scratch->path;
	__u32 total = path->total;

	scratch->tail_cut = total > SHORT_TEXT || !path->complete;
	scratch->tail_bytes = total < SHORT_TEXT ? total : SHORT_TEXT;
	total = scratch->tail_bytes;
	bpf_probe_read_kernel(scratch->tail, SHORT_TEXT,
			      &path->text[(PATH_END - total) & (PATH_END - 1)]);
}

/* The name of a file that is in no directory, as its whole path. */
static __always_inline void path_name_only(struct process_scratch *scratch, __u64 file)
{
	struct file_path *path = &scratch->path;
	struct dentry *dentry = BPF_CORE_READ((struct file *)file, f_path.dentry);
	long length = bpf_probe_read_kernel_str(scratch->tail, SHORT_TEXT,
						BPF_CORE_READ(dentry, d_name.name));

	path_reset(path);
	scratch->tail_bytes = length > 0 ? length - 1 : 0;
	scratch->tail_cut = 0;
}

/* ---- a path that is given as text, for the shadow program ------------------------------------ */

struct text_loop {
	struct file_path *path;
	const __u8 *text; /* 4096 bytes */
	__u32 at;	  /* bytes before it are not gathered yet */
};

/* One byte further to the front; a component is gathered when its '/' is met. */
static long text_step(__u32 index, struct text_loop *loop)
{
	__u32 at = loop->at - index - 1, length;
	struct file_path *path = loop->path;

	if (index >= loop->at || at >= 4096)
		return 1;
	if (loop->text[at] != '/')
		return 0;
	length = path->text_end - at - 1;
	path->text_end = at;
	if (length >= SHORT_TEXT)
		return 1;
	bpf_probe_read_kernel(path->name, length & (SHORT_TEXT - 1), &loop->text[at + 1]);
	path_prepend(path, length);
	return 0;
}

static __always_inline void path_from_text(struct file_path *path, const __u8 *text, __u32 bytes)
{
	struct text_loop loop = {.path = path, .text = text, .at = bytes};

	path_reset(path);
	path->text_end = bytes;
	path->complete = true;
	bpf_loop(4096, text_step, &loop, 0);
}

#endif
