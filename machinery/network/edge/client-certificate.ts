import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { HttpRequest } from "../../api/http.js";

type CertificatePart = Pick<HttpRequest, "clientCertificate" | "clientCertificateError">;

const NOTHING: CertificatePart = {};
const known = new WeakMap<TLSSocket, CertificatePart>();

/** The verified client certificate of a connection; looked at once for all its requests. */
export function clientCertificateOf(socket: Socket): CertificatePart {
  if (!(socket instanceof TLSSocket)) return NOTHING;
  let part = known.get(socket);
  if (!part) {
    part = read(socket);
    known.set(socket, part);
  }
  return part;
}

function read(socket: TLSSocket): CertificatePart {
  const { subject } = socket.getPeerCertificate();
  if (!subject) return NOTHING;
  if (!socket.authorized) return { clientCertificateError: String(socket.authorizationError) };
  return { clientCertificate: { commonName: listOf(subject.CN)[0] ?? "", organizations: listOf(subject.O) } };
}

/** Node gives a string, or an array where the name has several parts of one type. */
const listOf = (part: string | string[] | undefined): string[] =>
  part === undefined ? [] : Array.isArray(part) ? part : [part];
