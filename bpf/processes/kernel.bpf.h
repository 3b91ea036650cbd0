/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_KERNEL_BPF_H
#define SYNFW_PROCESS_KERNEL_BPF_H

/*
 * The fields of the kernel's structures that the process programs read: where they are in the
 * running kernel is filled in when the object is loaded. A structure whose name ends in ___WORD
 * is another form of the one before the three underscores, as other kernels have it.
 */
#include <linux/types.h>

#include <bpf/bpf_core_read.h>

#define AF_UNIX	      1
#define AF_INET	      2
#define AF_INET6      10
#define AF_KEY	      15
#define AF_NETLINK    16
#define AF_PACKET     17
#define AF_ALG	      38
#define AF_VSOCK      40
#define AF_XDP	      44
#define SOCK_RAW      3
#define IPPROTO_TCP   6
#define IPPROTO_SCTP  132
#define IPPROTO_MPTCP 262

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next;
};

struct qstr {
	const unsigned char *name;
};

struct super_block {
	struct dentry *s_root;
	__u32 s_dev;
	unsigned long s_magic;
};

/* until 6.16 a list, the oldest mount first; then one whose first is the youngest */
struct super_block___list {
	struct list_head s_mounts;
};
struct super_block___single {
	struct mount *s_mounts;
};

struct inode {
	struct super_block *i_sb;
	unsigned short i_mode;
	unsigned long i_ino;
	__u32 i_generation;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct mount___list {
	struct list_head mnt_instance;
};
struct mount___single {
	struct mount *mnt_next_for_sb;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

typedef struct {
	__s64 counter;
} atomic_long_t;

/* bit 0 of the count: somebody holds it for writing; not so with CONFIG_PREEMPT_RT */
struct rw_semaphore {
	atomic_long_t count;
};

struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start, arg_end;
	unsigned long total_vm;
	struct rw_semaphore mmap_lock;
};

struct percpu_counter {
	__s64 count;
};

/* since 6.2, until then */
struct mm_struct___percpu {
	struct percpu_counter rss_stat[4];
};

struct mm_rss_stat {
	__s64 count[4];
};

struct mm_struct___atomic {
	struct mm_rss_stat rss_stat;
};

struct vm_unmapped_area_info {
	unsigned long length;
};

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct group_info {
	int ngroups;
	kgid_t gid[0];
};

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t euid;
	kgid_t egid;
	struct group_info *group_info;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;
};

struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

/* owned: by the process that runs, which is in a call on the socket */
typedef struct {
	int owned;
} socket_lock_t;

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	__u16 sk_protocol;
};

struct socket {
	short type;
	struct sock *sk;
};

struct msghdr {
	void *msg_name;
};

struct task_struct {
	unsigned int flags;
	unsigned int personality;
	int pid, tgid;
	struct mm_struct *mm;
	struct task_struct *real_parent, *group_leader;
	__u64 start_boottime;
	const struct cred *cred;
	char comm[16];
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
};

struct linux_binprm {
	struct file *file;
	struct cred *cred;
	int unsafe; /* why other ids than the caller's may be taken back */
};

struct bpf_iter_meta {
	__u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif
