#!/bin/bash
# container.sh ROOT UID GID WORKDIR "TMPFS=OPTIONS..." BINDS GROUPS COMMAND... - COMMAND as process 1 of a container, without an engine: on
# ROOT, read-only, with a /proc, a small /dev and the cgroups of its own, in namespaces of its own but for the network, without a
# terminal. BINDS are lines SRC=DST, seen read-only; GROUPS are lines of cgroup folders that it joins first.
# Its environment is the caller's. Prints and ends as COMMAND does. As root; Debian: util-linux.
set -euo pipefail
if [ "$1" != __inside ]; then
  while read -r group; do [ -z "$group" ] || echo $BASHPID >"$group/cgroup.procs"; done <<<"$7"
  exec /usr/bin/unshare --mount --pid --fork --kill-child --ipc --uts --cgroup "$0" __inside "$@" </dev/null
fi
shift
root=$1 uid=$2 gid=$3 workdir=$4 writable=$5 binds=$6 groups=$7
shift 7
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount --make-rprivate /
mount --bind "$root" "$root"
while IFS== read -r from to; do
  [ -n "$from" ] || continue
  mount --bind "$from" "$root$to"
  mount -o remount,bind,ro "$root$to"
done <<<"$binds"
mount -o remount,bind,ro "$root"
mount -t proc -o nosuid,noexec,nodev proc "$root/proc"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
for device in null zero full random urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
while read -r group; do
  [ -n "$group" ] || continue
  case $group in
    /sys/fs/cgroup/memory/* | /sys/fs/cgroup/cpu/* | /sys/fs/cgroup/cpu,cpuacct/*)
      controller=${group#/sys/fs/cgroup/} controller=${controller%%/*}
      mkdir -p "$root/sys/fs/cgroup/$controller"
      mount -t cgroup -o "ro,$controller" cgroup "$root/sys/fs/cgroup/$controller" ;;
    *) mount -t cgroup2 -o ro cgroup2 "$root/sys/fs/cgroup" ;;
  esac
done <<<"$groups"
for folder in $writable; do mount -t tmpfs -o "${folder#*=}" tmpfs "$root${folder%%=*}"; done
exec setpriv --no-new-privs unshare --root="$root" --wd="$workdir" --setgid="$gid" --setuid="$uid" "$@"
