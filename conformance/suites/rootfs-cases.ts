/** What people do in a root directory as root. A case is a script of bash; it must print and end as under the peer. */

/** What apt is asked for; dependencies come along. */
export const ROOTFS_PACKAGES = [
  "apt",
  "base-files",
  "base-passwd",
  "bash",
  "coreutils",
  "cpio",
  "dash",
  "diffutils",
  "dpkg",
  "dpkg-dev",
  "findutils",
  "g++",
  "gcc",
  "git",
  "grep",
  "gzip",
  "hostname",
  "libc-bin",
  "login",
  "make",
  "passwd",
  "procps",
  "rsync",
  "sed",
  "tar",
  "util-linux",
  "xz-utils",
] as const;

export interface RootfsCase {
  readonly name: string;
  readonly script: string;
  /** Seconds; 600 otherwise. */
  readonly timeout?: number;
}

/** A package that is made on the spot, with a maintainer script, a conffile and a file of another owner. */
const PACKAGE = `
mkdir -p p/DEBIAN p/usr/bin p/etc p/var/lib/hello
cat > p/DEBIAN/control <<X
Package: hello-local
Version: 1.0
Architecture: all
Maintainer: Nobody <nobody@example.org>
Description: a package made on the spot
X
echo /etc/hello.conf > p/DEBIAN/conffiles
printf '#!/bin/sh\\nset -e\\nchown www-data:www-data /var/lib/hello\\nchmod 2750 /var/lib/hello\\necho "configured $1"\\n' > p/DEBIAN/postinst
chmod 755 p/DEBIAN/postinst
echo greeting=hello > p/etc/hello.conf
printf '#!/bin/sh\\n. /etc/hello.conf\\necho $greeting\\n' > p/usr/bin/hello-local
chmod 4755 p/usr/bin/hello-local
dpkg-deb --root-owner-group -b p hello.deb`;

/** The database of a system on which nothing is installed by dpkg, and base-passwd's users. */
const NEW_SYSTEM = `
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers /var/lib/apt/lists/partial /var/cache/apt/archives/partial
: > /var/lib/dpkg/status; : > /var/lib/dpkg/available
cp /usr/share/base-passwd/passwd.master /etc/passwd; cp /usr/share/base-passwd/group.master /etc/group
export DEBIAN_FRONTEND=noninteractive`;

const FILES = `
mkdir -p a/sub; cd a; echo one > f; ln f g; ln -s f s; mkfifo p
chmod 4755 f; chmod 1777 sub; chown 33:44 sub; chown -h 5:6 s; echo two > sub/x; chown 1000 sub/x; touch -hd @1000000000 f s sub/x sub p .; cd ..`;
const LIST = (directory: string) =>
  `find ${directory} -printf '%P %y %m %U:%G %s %n %l %T@\\n' | sed '/ d /s/ [0-9]* [0-9]* / /' | sort`;

export const ROOTFS_CASES: readonly RootfsCase[] = [
  { name: "whoami", script: `id -u; id -g; pwd; echo $HOME; stat -c '%u %g %a' / /etc /tmp /usr/bin/su` },
  // No device nodes: in a user namespace, where the peer is, Linux makes none.
  { name: "owners", script: `${FILES}\n${LIST("a")}; rm -r a; ls` },
  {
    name: "setuid",
    script: `cp /usr/bin/id i; chmod 4755 i; chown 33:33 i; chmod 6755 i
      ./i -u; ./i -ru; setpriv --reuid=1000 --regid=1000 --clear-groups ./i -u; setpriv --reuid=1000 --regid=1000 --clear-groups ./i -ru`,
  },
  {
    name: "permissions",
    script: `mkdir d; echo x > d/f; chmod 600 d/f; chown 1000 d/f; chmod 700 d
      as() { setpriv --reuid=1000 --regid=1000 --clear-groups "$@"; }
      as cat d/f; chmod 711 d; as cat d/f; as touch d/new; as chown 0 d/f; as chmod 640 d/f; stat -c '%a %u' d/f
      chmod 1777 d; as rm -f d/f; touch d/g; as rm -f d/g; ls d`,
  },
  {
    name: "su",
    script: `${NEW_SYSTEM}; printf 'auth sufficient pam_permit.so\\naccount sufficient pam_permit.so\\nsession sufficient pam_permit.so\\n' > /etc/pam.d/su
      su www-data -s /bin/sh -c 'id -u; cd /; touch x; echo $?; su root -c "id -u"'`,
  },
  {
    name: "tar",
    script: `${FILES}\ntar cf a.tar --sort=name a; tar tvf a.tar --numeric-owner | sort; mkdir out; tar xpf a.tar -C out; ${LIST("out/a")}; tar df a.tar -C out`,
  },
  {
    name: "cpio",
    script: `${FILES}\nmkdir out; find a | sort | cpio -o -H newc --quiet | (cd out; cpio -idm --quiet); ${LIST("out/a")} | sed '/ [dl] /s/ [0-9.]*$//'`,
  },
  {
    name: "rsync",
    script: `${FILES}\nrsync -aHAX --numeric-ids a/ out/; ${LIST("out")}; rm a/g; rsync -aHi --delete a/ out/`,
  },
  {
    name: "cp -a, mv",
    script: `${FILES}\ncp -a a b; mv b c; mv c/sub /var/moved; touch -d @1000000000 c; ${LIST("c /var/moved")}; diff -r a/sub /var/moved && echo same`,
  },
  {
    name: "the lower tree's directories",
    script: `ls /usr/share | wc -l; mv /usr/share/doc /doc; ls /doc | wc -l; rm -r /doc/b*; mkdir /usr/share/doc; ls /usr/share/doc
      mv /doc /usr/share/doc/old; ls /usr/share/doc; rm -rf /usr/share/doc; ls -d /usr/share/doc /doc; chown -R 7 /etc; find /etc ! -user 7 | wc -l`,
  },
  {
    name: "find, xargs",
    script: `find / -xdev -type f -path '*/lib/*' -print0 | xargs -0 -n 200 cat | wc -c; find /etc -type l | xargs -r readlink | sort | tail -3`,
  },
  {
    name: "git",
    script: `git config --global user.name A; git config --global user.email a@b; git config --global init.defaultBranch main
      export GIT_AUTHOR_DATE='2024-01-01 00:00:00 +0000' GIT_COMMITTER_DATE='2024-01-01 00:00:00 +0000'
      git init -q r; cd r; for i in 1 2 3; do seq $i 50 > f$i; done; git add .; git commit -qm first; git status --short; git rev-parse HEAD
      echo x >> f1; mv f2 f4; git status --short; git checkout -qb side; git commit -qam second; git checkout -q main; git merge -q side; git log --oneline --stat
      git gc -q; git fsck; git clone -q . ../c; cd ../c; git log --format=%h | wc -l`,
  },
  {
    name: "make, gcc, g++",
    script: `cat > m.c <<X
#include <stdio.h>
int twice(int);
int main(void) { printf("%d\\n", twice(21)); return 0; }
X
      echo 'int twice(int x) { return 2 * x; }' > t.c
      printf '#include <vector>\\n#include <iostream>\\nint main() { std::vector<int> v{1,2,3}; int s = 0; for (int x : v) s += x; std::cout << s << std::endl; try { throw 7; } catch (int e) { std::cout << e << std::endl; } }\\n' > v.cc
      printf 'all: m v\\nm: m.o t.o\\n\\t$(CC) -o $@ $^\\nv: v.cc\\n\\t$(CXX) -O1 -o $@ $<\\n' > Makefile
      make -s -j2 && ./m && ./v; gcc -O2 -shared -fPIC -o libt.so t.c && gcc -o d m.c -L. -lt && LD_LIBRARY_PATH=. ./d`,
    timeout: 1200,
  },
  {
    name: "ldconfig",
    script: `ldconfig; echo $?; ldconfig -p | head -1; ldconfig -p | wc -l; stat -c '%a %u' /etc/ld.so.cache; ldd /bin/ls | wc -l`,
  },
  {
    name: "dpkg",
    script: `${NEW_SYSTEM}\n${PACKAGE}\ndpkg -i hello.deb; dpkg -s hello-local; dpkg -L hello-local; hello-local; stat -c '%a %U:%G %n' /var/lib/hello /usr/bin/hello-local
      echo greeting=changed > /etc/hello.conf; dpkg --verify hello-local; dpkg -r hello-local; ls /etc/hello.conf; dpkg -P hello-local; ls /etc/hello.conf; dpkg -l | tail -1`,
  },
  {
    name: "apt-get install",
    script: `${NEW_SYSTEM}\n${PACKAGE}\napt-get install -y -qq -o Dpkg::Use-Pty=0 ./hello.deb 2>/dev/null; echo $?; hello-local; apt-get remove -y -qq -o Dpkg::Use-Pty=0 hello-local 2>/dev/null; ls /usr/bin/hello-local`,
  },
  {
    name: "users",
    script: `${NEW_SYSTEM}; touch /etc/shadow /etc/gshadow; groupadd -g 500 team; useradd -m -u 1234 -g team -s /bin/sh ann; id ann; stat -c '%a %U:%G' /home/ann
      ls -A /home/ann; usermod -aG sys ann; id -nG ann; userdel -r ann; ls /home; grep -c ann /etc/passwd`,
  },
];
