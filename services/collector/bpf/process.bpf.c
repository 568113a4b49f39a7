/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells of every program that a process in a container starts.
 *
 * One hook, sched_process_exec: it runs in the process that has just become the new
 * program, so everything is read from the current task: user, path, arguments, control
 * group and the processes above it. Processes outside containers end here. Called by
 * the kernel; read by services/collector/loader.py, decoded by events.py.
 *
 * Texts stand behind the fixed part in this order: the names of the program's path, the
 * arguments as they lie in memory, the names of each ancestor's path. Names stand from
 * the file up to the root, each ended by a zero.
 */
#include "kernel.h"

#define COMM 16
#define CGROUP_NAME 128
#define ID_DIGITS 64
#define SCOPE 6 /* the length of `.scope` */
#define NAME 256
#define COMPONENTS 32
#define LEVELS 5
#define ANCESTORS 16
#define ARGUMENTS 4095
/* What stands for the directories of a path that is deeper than that. */
#define CUT "..."
/* A whole path, then the arguments, then whatever ancestors fit. */
#define AFTER_PATH (NAME * COMPONENTS + sizeof(CUT))
#define LAST_NAME (AFTER_PATH + ARGUMENTS + 1)
#define TEXTS (LAST_NAME + NAME)

enum count { SENT, LOST, OUTSIDE, UNREADABLE, COUNTS };

struct ancestor {
	__u32 pid;
	__u32 uid;
	__u32 path_bytes;
};

struct record {
	__u64 time;
	__u32 pid;
	__u32 parent;
	__u32 uid;
	__u32 gid;
	__u32 path_bytes;
	__u32 args_bytes;
	__u32 ancestors;
	char comm[COMM];
	char cgroup[CGROUP_NAME];
	struct ancestor ancestor[ANCESTORS];
	char texts[TEXTS];
};

/* Larger than the stack allows. */
struct {
	UINT(type, MAP_PERCPU_ARRAY);
	UINT(max_entries, 1);
	TYPE(key, __u32);
	TYPE(value, struct record);
} scratch SEC(".maps");

/* The loader sets the size before it loads. */
struct {
	UINT(type, MAP_RINGBUF);
	UINT(max_entries, 8 << 20);
} events SEC(".maps");

struct {
	UINT(type, MAP_PERCPU_ARRAY);
	UINT(max_entries, COUNTS);
	TYPE(key, __u32);
	TYPE(value, __u64);
} counts SEC(".maps");

INLINE void count(__u32 what)
{
	__u64 *number = bpf_map_lookup_elem(&counts, &what);

	if (number)
		*number += 1;
}

INLINE struct record *scratch_record(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

INLINE int is_digit(char letter)
{
	return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f') ||
	       (letter >= 'A' && letter <= 'F');
}

/*
 * Whether a control group's name ends in 64 hexadecimal digits, `.scope` set aside. This is
 * the coarse sieve; containers.py looks at what stands before them.
 */
INLINE int has_id(const char *name, __u64 length)
{
	__u64 end = length - 1;

	if (length <= ID_DIGITS || length > CGROUP_NAME)
		return 0;
	if (end >= ID_DIGITS + SCOPE && name[end - SCOPE] == '.')
		end -= SCOPE;
	__u64 start = end - ID_DIGITS;

	if (start >= CGROUP_NAME - ID_DIGITS)
		return 0;
	for (int at = 0; at < ID_DIGITS; at++) {
		if (!is_digit(name[start + at]))
			return 0;
	}
	return 1;
}

/* Leaves the name of the nearest container's group in the scratch record; 1 when there is one. */
SUBPROGRAM int container_above(__u64 cgroup)
{
	struct record *record = scratch_record();

	if (!record)
		return 0;
	for (int level = 0; level < LEVELS; level++) {
		if (!cgroup)
			return 0;
		__u64 node = (__u64)READ(cgroup, cgroup, kn);
		const char *name = READ(kernfs_node, node, name);
		long length = bpf_probe_read_kernel_str(record->cgroup, CGROUP_NAME, name);

		if (length > 0 && has_id(record->cgroup, length))
			return 1;
		__u64 above = (__u64)READ(cgroup, cgroup, self.parent);
		cgroup = above ? (__u64)READ(cgroup_subsys_state, above, cgroup) : 0;
	}
	return 0;
}

INLINE __u64 group_of(__u64 set, __u32 controller)
{
	__u64 state = 0;

	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)(ADDRESS(css_set, set, subsys) + 8ULL * controller));
	return state ? (__u64)READ(cgroup_subsys_state, state, cgroup) : 0;
}

/* The same for a task's set of groups: version 2 has one tree, version 1 one per controller. */
SUBPROGRAM int in_container(__u64 set)
{
	if (!set)
		return 0;
	if (container_above((__u64)READ(css_set, set, dfl_cgrp)))
		return 1;
	if (ENUM_EXISTS(cgroup_subsys_id, pids_cgrp_id) &&
	    container_above(group_of(set, ENUM_VALUE(cgroup_subsys_id, pids_cgrp_id))))
		return 1;
	if (ENUM_EXISTS(cgroup_subsys_id, memory_cgrp_id) &&
	    container_above(group_of(set, ENUM_VALUE(cgroup_subsys_id, memory_cgrp_id))))
		return 1;
	return 0;
}

/*
 * Appends the names of a path at an offset of the texts; gives the offset behind them. The
 * path is that of the mount namespace: a process cannot shorten it by chroot.
 */
SUBPROGRAM __u64 add_names(__u64 dentry, __u64 mnt, __u64 at)
{
	struct record *record = scratch_record();

	if (!record || !dentry || !mnt)
		return at;
	for (int step = 0; step < COMPONENTS; step++) {
		if (at > LAST_NAME)
			return at;
		__u64 above = (__u64)READ(dentry, dentry, d_parent);
		__u64 top = (__u64)READ(vfsmount, mnt, mnt_root);

		if (dentry == top || dentry == above) {
			__u64 mount = mnt - OFFSET(mount, mnt);
			__u64 mount_above = (__u64)READ(mount, mount, mnt_parent);

			if (dentry != top || !mount_above || mount_above == mount)
				return at;
			dentry = (__u64)READ(mount, mount, mnt_mountpoint);
			mnt = mount_above + OFFSET(mount, mnt);
			continue;
		}
		long length = bpf_probe_read_kernel_str(&record->texts[at], NAME,
							READ(dentry, dentry, d_name.name));
		if (length <= 0 || length > NAME)
			return at;
		at += length;
		dentry = above;
	}
	if (at > LAST_NAME)
		return at;
	__builtin_memcpy(&record->texts[at], CUT, sizeof(CUT));
	return at + sizeof(CUT);
}

/* The same for the program that a task runs. */
INLINE __u64 add_program(__u64 task, __u64 at)
{
	__u64 memory = (__u64)READ(task_struct, task, mm);
	__u64 file = memory ? (__u64)READ(mm_struct, memory, exe_file) : 0;

	if (!file)
		return at;
	return add_names((__u64)READ(file, file, f_path.dentry), (__u64)READ(file, file, f_path.mnt), at);
}

/* Appends the arguments, the first one included; gives the offset behind them. */
SUBPROGRAM __u64 add_arguments(__u64 task, __u64 at)
{
	struct record *record = scratch_record();
	__u64 memory = (__u64)READ(task_struct, task, mm);

	if (!record || !memory || at > AFTER_PATH)
		return at;
	__u64 start = READ(mm_struct, memory, arg_start);
	__u64 length = READ(mm_struct, memory, arg_end) - start;

	if (length > ARGUMENTS)
		length = ARGUMENTS;
	/* The verifier follows this bound only when it is made of one register. */
	length &= ARGUMENTS;
	if (bpf_probe_read_user(&record->texts[at], length, (void *)start)) {
		count(UNREADABLE);
		return at;
	}
	return at + length;
}

/* Fills in one ancestor and appends its path; gives the offset behind it. */
SUBPROGRAM __u64 add_ancestor(__u64 task, __u32 index, __u64 at)
{
	struct record *record = scratch_record();

	if (!record || index >= ANCESTORS)
		return at;
	__u64 cred = (__u64)READ(task_struct, task, cred);
	__u64 end = add_program(task, at);

	record->ancestor[index].pid = READ(task_struct, task, tgid);
	record->ancestor[index].uid = READ(cred, cred, euid.val);
	record->ancestor[index].path_bytes = end - at;
	return end;
}

INLINE __u64 parent_of(__u64 task)
{
	__u64 leader = (__u64)READ(task_struct, task, group_leader);
	__u64 parent = leader ? (__u64)READ(task_struct, leader, real_parent) : 0;

	return parent ? (__u64)READ(task_struct, parent, group_leader) : 0;
}

/* A process that sees its own pid as the node does stands outside the container. */
INLINE int in_pid_namespace(__u64 task)
{
	__u64 pid = (__u64)READ(task_struct, task, thread_pid);

	return pid && READ(pid, pid, level) > 0;
}

/* Appends the processes above a task, up to the border of the container. */
SUBPROGRAM __u64 add_ancestors(__u64 task, __u64 at)
{
	struct record *record = scratch_record();
	__u64 set = (__u64)READ(task_struct, task, cgroups);
	__u32 found = 0;

	if (!record)
		return at;
	for (__u32 index = 0; index < ANCESTORS; index++) {
		__u64 parent = parent_of(task);

		if (!parent || parent == task || !in_pid_namespace(parent) || at > LAST_NAME)
			break;
		__u64 set_above = (__u64)READ(task_struct, parent, cgroups);

		if (set_above != set && !in_container(set_above))
			break;
		at = add_ancestor(parent, index, at);
		found = index + 1;
		set = set_above;
		task = parent;
	}
	record->ancestors = found;
	return at;
}

INLINE void describe(struct record *record, __u64 task)
{
	__u64 cred = (__u64)READ(task_struct, task, cred);
	__u64 parent = parent_of(task);

	record->time = bpf_ktime_get_boot_ns();
	record->pid = READ(task_struct, task, tgid);
	record->parent = parent ? READ(task_struct, parent, tgid) : 0;
	record->uid = READ(cred, cred, euid.val);
	record->gid = READ(cred, cred, egid.val);
	bpf_probe_read_kernel(record->comm, COMM, (void *)ADDRESS(task_struct, task, comm));
}

SEC("raw_tracepoint/sched_process_exec")
int on_exec(void *context)
{
	struct record *record = scratch_record();
	__u64 task = bpf_get_current_task();

	if (!record)
		return 0;
	if (!in_container((__u64)READ(task_struct, task, cgroups))) {
		count(OUTSIDE);
		return 0;
	}
	describe(record, task);
	__u64 path = add_program(task, 0);
	__u64 args = add_arguments(task, path);

	record->path_bytes = path;
	record->args_bytes = args - path;
	__u64 end = add_ancestors(task, args);

	if (end > TEXTS)
		return 0;
	/* The ancestors' groups were written over the process's own. */
	if (!in_container((__u64)READ(task_struct, task, cgroups)))
		return 0;
	if (bpf_ringbuf_output(&events, record, __builtin_offsetof(struct record, texts) + end, 0))
		count(LOST);
	else
		count(SENT);
	return 0;
}

char license_of_program[] SEC("license") = "Dual BSD/GPL";
