import { FileError } from "../images/files.js";
import { FIRST_PRIVATE_DESCRIPTOR, type OpenFile } from "../images/process.js";
import type { Redirect } from "./ast.js";
import type { Shell } from "./shell.js";
import { ShellError } from "./state.js";

/** Runs `body` with the redirections in force; status 1 when one of them fails. */
export async function withRedirects(
  shell: Shell,
  redirects: readonly Redirect[],
  body: () => Promise<number>,
): Promise<number> {
  if (redirects.length === 0) return body();
  const restore: (() => void)[] = [];
  try {
    try {
      for (const redirect of redirects) restore.push(await applyRedirect(shell, redirect));
    } catch (err) {
      if (!(err instanceof RedirectError)) throw err;
      await shell.complain(err.message);
      return 1;
    }
    return await body();
  } finally {
    for (const undo of restore.reverse()) undo();
  }
}

/** Applies them for good: `exec >file`. Throws ShellError. */
export async function applyForGood(shell: Shell, redirects: readonly Redirect[]): Promise<void> {
  for (const redirect of redirects) {
    try {
      await applyRedirect(shell, redirect);
    } catch (err) {
      if (err instanceof RedirectError) throw new ShellError(err.message);
      throw err;
    }
  }
}

class RedirectError extends Error {
  override readonly name = "RedirectError";
}

/** Changes one descriptor; the result puts back what was there. */
async function applyRedirect(shell: Shell, redirect: Redirect): Promise<() => void> {
  const { process } = shell;
  const { descriptor } = redirect;
  const file = await openTarget(shell, redirect);
  // Kept among the descriptors, so that it is closed when the shell is killed in between.
  let saved = FIRST_PRIVATE_DESCRIPTOR;
  while (process.descriptors.has(saved)) saved++;
  process.setDescriptor(saved, process.descriptors.get(descriptor)?.dup());
  process.setDescriptor(descriptor, file === "close" ? undefined : file);
  return () => {
    process.setDescriptor(descriptor, process.descriptors.get(saved)?.dup());
    process.setDescriptor(saved, undefined);
  };
}

async function openTarget(shell: Shell, { operator, target }: Redirect): Promise<OpenFile | "close"> {
  const { process, expander } = shell;
  const text = await expander.text(target);
  if (operator === "<<") {
    const { reader, writer } = process.pipe();
    process.background(async () => {
      await writer.write(text);
      writer.close();
    });
    return reader;
  }
  if (operator === "<&" || operator === ">&") {
    if (text === "-") return "close";
    const held = /^\d+$/.test(text) ? process.descriptors.get(Number(text)) : undefined;
    if (!held) throw new RedirectError(`${text}: Bad file descriptor`);
    return held.dup();
  }
  const mode = operator === "<" || operator === "<>" ? "read" : operator === ">>" ? "append" : "write";
  try {
    return process.open(text, mode);
  } catch (err) {
    if (!(err instanceof FileError)) throw err;
    if (err.code !== "ENOENT")
      throw new RedirectError(`can't ${mode === "read" ? "open" : "create"} ${text}: ${err.message}`);
    throw new RedirectError(
      mode === "read" ? `can't open ${text}: no such file` : `can't create ${text}: nonexistent directory`,
    );
  }
}
