/** A listener could not be had. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly reason: "address-in-use" | "not-permitted" | "address-not-available" | "failed";
  constructor(reason: ListenError["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The one reader of system error codes of listening sockets. */
export function toListenError(err: unknown, ip: string, port: number): ListenError {
  const code = (err as NodeJS.ErrnoException).code;
  const at = `${ip}:${port}`;
  switch (code) {
    case "EADDRINUSE":
      return new ListenError("address-in-use", `address ${at} is already in use`);
    case "EACCES":
    case "EPERM":
      return new ListenError("not-permitted", `no permission to listen on ${at}`);
    case "EADDRNOTAVAIL":
      return new ListenError("address-not-available", `this machine has no address ${ip}`);
    default:
      return new ListenError("failed", `cannot listen on ${at}: ${(err as Error).message}`);
  }
}
