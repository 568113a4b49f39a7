/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the program knows of the kernel: the fields that it reads, and the helpers that it
 * calls (numbers of the kernel's user interface, include/uapi/linux/bpf.h).
 *
 * Only the names count: the loader replaces every offset by that of the running kernel.
 */
#ifndef PYROX_KERNEL_H
#define PYROX_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define SUBPROGRAM __attribute__((noinline))

/* The form in which the loader wants maps described (BTF-defined maps). */
#define UINT(name, value) int(*name)[value]
#define TYPE(name, value) typeof(value) *name

enum { MAP_PERCPU_ARRAY = 6, MAP_RINGBUF = 27 };

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static __u64 (*bpf_get_current_task)(void) = (void *)35;
static long (*bpf_probe_read_user)(void *to, __u32 size, const void *from) = (void *)112;
static long (*bpf_probe_read_kernel)(void *to, __u32 size, const void *from) = (void *)113;
static long (*bpf_probe_read_kernel_str)(void *to, __u32 size, const void *from) = (void *)115;
static __u64 (*bpf_ktime_get_boot_ns)(void) = (void *)125;
static long (*bpf_ringbuf_output)(void *ring, void *data, __u64 size, __u64 flags) = (void *)130;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	const char *name;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct cgroup_subsys_state *subsys[1];
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	struct file *exe_file;
};

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct cred {
	kuid_t euid;
	kgid_t egid;
};

struct pid {
	unsigned int level;
};

struct task_struct {
	int tgid;
	char comm[16];
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct mm_struct *mm;
	const struct cred *cred;
	struct css_set *cgroups;
};

#pragma clang attribute pop

enum cgroup_subsys_id {
	memory_cgrp_id = 1,
	pids_cgrp_id = 2,
};

/* One field of a kernel object at an address; zero when it cannot be read. */
#define READ(type, address, field)                                                             \
	({                                                                                     \
		typeof(((struct type *)0)->field) value_ = 0;                                  \
		bpf_probe_read_kernel(&value_, sizeof(value_),                                 \
				      __builtin_preserve_access_index(                         \
					      &((struct type *)(address))->field));            \
		value_;                                                                        \
	})

/* The address of a field of a kernel object. */
#define ADDRESS(type, address, field)                                                          \
	((__u64)__builtin_preserve_access_index(&((struct type *)(address))->field))

/* Kinds of questions to the loader: BPF_FIELD_BYTE_OFFSET, BPF_ENUMVAL_EXISTS, BPF_ENUMVAL_VALUE. */
#define OFFSET(type, field) __builtin_preserve_field_info(((struct type *)0)->field, 0)
#define ENUM_EXISTS(type, name) __builtin_preserve_enum_value(*(enum type *)name, 0)
#define ENUM_VALUE(type, name) __builtin_preserve_enum_value(*(enum type *)name, 1)

#endif
