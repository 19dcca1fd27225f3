/** Modules of CPython's test package: those that look at the operating system first, then those that look at the processor. */

const SYSTEM = `
  test_os test_posix test_posixpath test_pathlib test_subprocess test_threading test_thread test_threadsignals test_signal
  test_socket test_select test_poll test_epoll test_selectors test_mmap test_pty test_asyncio
  test_multiprocessing_spawn test_multiprocessing_fork test_concurrent_futures test_fork1 test_wait3 test_wait4 test_popen
  test_pipes test_eintr test_faulthandler test_io test_fileio test_file test_largefile test_stat test_tempfile test_shutil
  test_glob test_fnmatch test_filecmp test_fcntl test_ioctl test_resource test_pwd test_grp test_getpass test_platform
  test_sys test_sysconfig test_time test_datetime test_calendar test_queue test_sched test_socketserver test_logging
  test_sqlite3 test_dbm test_shelve test_tarfile test_zipfile test_mailbox test_uuid test_locale test_httpservers
  test_xmlrpc test_ftplib test_smtpd test_ssl test_urllib test_venv test_ctypes test_site test_cmd_line test_runpy
`;

const COMPUTATION = `
  test_json test_re test_struct test_float test_math test_cmath test_complex test_decimal test_fractions test_statistics
  test_random test_long test_int test_hashlib test_hmac test_zlib test_gzip test_bz2 test_lzma test_base64 test_binascii
  test_array test_memoryview test_bytes test_unicode test_codecs test_list test_dict test_set test_tuple test_collections
  test_itertools test_functools test_heapq test_bisect test_generators test_coroutines test_exceptions test_traceback
  test_contextlib test_gc test_weakref test_copy test_marshal test_pickle test_csv test_configparser test_string
  test_textwrap test_ast test_dis test_descr test_enum test_dataclasses test_typing
`;

const names = (text: string): readonly string[] => text.trim().split(/\s+/);

export const MODULES: readonly string[] = [...names(SYSTEM), ...names(COMPUTATION)];

/** A few minutes of them: quick ones, each for another part of the system. */
export const CI_MODULES: readonly string[] = names(`
  test_signal test_mmap test_select test_poll test_fork1 test_wait4 test_threadsignals test_tempfile test_glob test_time
  test_json test_struct test_math test_cmath
`);
