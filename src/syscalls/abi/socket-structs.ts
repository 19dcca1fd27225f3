/** Structs of the socket calls (Linux: include/linux/socket.h, include/uapi/linux/{if,in,net_tstamp}.h). */
import type { Fields } from "../struct.ts";

const MSGHDR = [
  ["msg_name", "pointer"],
  ["msg_namelen", "i32"],
  ["msg_iov", "pointer"],
  ["msg_iovlen", "ulong"],
  ["msg_control", "pointer"],
  ["msg_controllen", "ulong"],
  ["msg_flags", "u32"],
] as const satisfies Fields<string>;

export const SOCKET_FIELDS = {
  msghdr: MSGHDR,
  mmsghdr: [...MSGHDR, ["msg_len", "u32"]],
  cmsghdr: [
    ["cmsg_len", "ulong"],
    ["cmsg_level", "i32"],
    ["cmsg_type", "i32"],
  ],
  ucred: [
    ["pid", "i32"],
    ["uid", "u32"],
    ["gid", "u32"],
  ],
  linger: [
    ["l_onoff", "i32"],
    ["l_linger", "i32"],
  ],
  /** struct __kernel_sock_timeval: SO_RCVTIMEO_NEW and its like. */
  sockTimeval: [
    ["tv_sec", "i64"],
    ["tv_usec", "i64"],
  ],
  ifconf: [
    ["ifc_len", "i32"],
    ["ifc_buf", "pointer"],
  ],
} as const satisfies Record<string, Fields<string>>;
