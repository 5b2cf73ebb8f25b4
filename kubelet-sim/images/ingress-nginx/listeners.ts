import { newFakeCertificate } from "../../../machinery/ingress/fake-certificate.js";
import { HostCertificates } from "../../../machinery/ingress/host-certificates.js";
import { acceptTls, toSecureContext } from "../../../machinery/network/edge/tls.js";
import { Http1Server } from "../../../machinery/network/http1-server.js";
import { type Connection, ConnectionError, type Listener } from "../../../machinery/network/network.js";
import type { Running } from "./controller.js";

/** nginx's worker_shutdown_timeout in this controller, and `--post-shutdown-grace-period`. */
const DRAIN_MS = 240_000;
const LINGER_MS = 10_000;
const POLL_MS = 20;
/** Handshakes under way at once; more are reset. */
const MOST_HANDSHAKES = 1024;

/** Opens the ports and serves until SIGTERM; resolves with the exit code. */
export async function serveListeners(running: Running): Promise<number> {
  const { process, flags, proxy, log } = running;
  let isStopping = false;
  const stop = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGQUIT", "SIGINT"] as const) process.onSignal(signal, resolve);
  });
  serveAdmin(running, () => !isStopping);
  const listeners: Listener[] = [];
  try {
    listeners.push(
      listen(running, flags.httpPort, proxy.listener("http", flags.httpPort)),
      listen(running, flags.httpsPort, secured(running, proxy.listener("https", flags.httpsPort))),
    );
  } catch (err) {
    if (!(err instanceof ConnectionError && err.reason === "address-in-use")) throw err;
    log("E", "main.go:100", `port already in use: ${err.message}`);
    await process.sleep(POLL_MS);
    return 255;
  }
  await stop;
  isStopping = true;
  log("I", "sigterm.go:36", '"Received SIGTERM, shutting down"');
  log("I", "nginx.go:393", '"Shutting down controller queues"');
  await running.status.stop();
  for (const listener of listeners) listener.close();
  proxy.shutdown();
  const deadlineMs = process.clock.monotonicMs() + DRAIN_MS;
  while (proxy.activeCount > 0 && process.clock.monotonicMs() < deadlineMs) await process.sleep(POLL_MS);
  log("I", "nginx.go:401", '"Stopping admission controller"');
  log("I", "nginx.go:409", '"Stopping NGINX process"');
  log("I", "nginx.go:422", '"NGINX process has stopped"');
  log("I", "sigterm.go:44", `Handled quit, delaying controller exit for ${LINGER_MS / 1000} seconds`);
  await process.sleep(LINGER_MS);
  log("I", "sigterm.go:47", '"Exiting" code=0');
  await process.sleep(0);
  return 0;
}

function listen(
  { process }: Running,
  port: number,
  serve: (connection: Connection) => Promise<void>,
): Listener {
  return process.network.listen(port, (connection) => process.background(() => serve(connection)));
}

/** TLS in front: the server's name in the handshake chooses the certificate. */
function secured(running: Running, serve: (connection: Connection) => Promise<void>) {
  const { process, controller, flags, log } = running;
  const { clock, rng } = process;
  const certificates = new HostCertificates({
    router: controller.router,
    secret: (key) => controller.secret(key),
    toContext: toSecureContext,
    defaultPair: () =>
      newFakeCertificate(
        clock.nowMs(),
        Buffer.from(rng.fork("serial").uuid().replaceAll("-", "").slice(0, 16), "hex"),
      ),
    ...(flags.defaultSslCertificate === undefined ? {} : { defaultSecret: flags.defaultSslCertificate }),
    onProblem: (message) => log("W", "controller.go:1498", message),
  });
  let handshakes = 0;
  return async (connection: Connection): Promise<void> => {
    if (handshakes >= MOST_HANDSHAKES) return connection.reset();
    handshakes += 1;
    let secure: Connection;
    try {
      secure = await acceptTls(connection, { clock, contextFor: (name) => certificates.contextFor(name) });
    } catch (err) {
      if (!(err instanceof ConnectionError)) throw err;
      return connection.reset();
    } finally {
      handshakes -= 1;
    }
    await serve(secure);
  };
}

/** `/healthz` and `/metrics`, for the kubelet and Prometheus. */
function serveAdmin({ process, flags, metrics, proxy }: Running, isHealthy: () => boolean): void {
  const server = new Http1Server(({ path }) => {
    const text = (status: number, body: string) => ({
      status,
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: Buffer.from(body, "utf8"),
    });
    if (path.startsWith("/healthz")) {
      return isHealthy()
        ? text(200, "ok")
        : text(
            500,
            "[+]ping ok\n[-]nginx-ingress-controller failed: reason withheld\nhealthz check failed\n",
          );
    }
    if (path.startsWith("/metrics")) return text(200, metrics.text(proxy.connectionCount, proxy.activeCount));
    return text(404, "404 page not found\n");
  });
  process.network.listen(flags.healthzPort, (connection) =>
    process.background(() => server.serve(connection)),
  );
}
