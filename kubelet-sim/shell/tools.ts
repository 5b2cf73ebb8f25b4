import type { Program } from "../images/process.js";
import { awk } from "./tools/awk.js";
import { cat } from "./tools/cat.js";
import { chmod, cp, mkdir, mv, rm, rmdir, touch } from "./tools/change-files.js";
import { curl } from "./tools/curl.js";
import { cut } from "./tools/cut.js";
import { date } from "./tools/date.js";
import { dig } from "./tools/dig.js";
import { base64, md5sum, sha1sum, sha256sum } from "./tools/digest.js";
import { echo } from "./tools/echo.js";
import { env, printenv } from "./tools/env.js";
import { expr } from "./tools/expr.js";
import { grep } from "./tools/grep.js";
import { head } from "./tools/head.js";
import { hostname } from "./tools/hostname.js";
import { ls } from "./tools/ls.js";
import { ifconfig, ip } from "./tools/interfaces.js";
import { clear, id, nproc, ping, uname, uptime, whoami } from "./tools/machine.js";
import { nc } from "./tools/nc.js";
import { nslookup } from "./tools/nslookup.js";
import { basename, dirname, find, pwd, realpath, stat, which } from "./tools/paths.js";
import { ps } from "./tools/ps.js";
import { kill, time, timeout, watch, xargs } from "./tools/run-others.js";
import { sed } from "./tools/sed.js";
import { seq } from "./tools/seq.js";
import { sleep } from "./tools/sleep.js";
import { sort } from "./tools/sort.js";
import { tail } from "./tools/tail.js";
import { tar } from "./tools/tar.js";
import { tee } from "./tools/tee.js";
import { fail, succeed, test } from "./tools/test.js";
import { tr } from "./tools/tr.js";
import { uniq } from "./tools/uniq.js";
import { wc } from "./tools/wc.js";
import { wget } from "./tools/wget.js";
import { printf, yes } from "./tools/yes.js";

/** Every tool by its name. */
export const tools: Readonly<Record<string, Program>> = {
  "[": test,
  awk,
  base64,
  basename,
  cat,
  chmod,
  clear,
  cp,
  curl,
  cut,
  date,
  dig,
  dirname,
  echo,
  egrep: grep,
  env,
  expr,
  false: fail,
  fgrep: grep,
  find,
  grep,
  head,
  hostname,
  id,
  ifconfig,
  ip,
  kill,
  killall: kill,
  ls,
  md5sum,
  mkdir,
  mv,
  nc,
  nproc,
  nslookup,
  ping,
  pkill: kill,
  printenv,
  printf,
  ps,
  pwd,
  readlink: realpath,
  realpath,
  rm,
  rmdir,
  sed,
  seq,
  sha1sum,
  sha256sum,
  sleep,
  sort,
  stat,
  tail,
  tar,
  tee,
  test,
  time,
  timeout,
  touch,
  tr,
  true: succeed,
  uname,
  uniq,
  uptime,
  watch,
  wc,
  wget,
  which,
  whoami,
  xargs,
  yes,
};
