import {
  type HttpRequest,
  type HttpResponse,
  type Transport,
  TransportError,
  type Upgraded,
} from "../../machinery/api/http.js";
import type { FileSystem } from "../images/files.js";

const TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** The API as a pod's ServiceAccount sees it: reads the token anew when it was rotated; ends with the program. */
export class ServiceAccountApi implements Transport {
  readonly #files: FileSystem;
  readonly #apiAccess: (token: string) => Transport;
  readonly #ended: AbortSignal;
  #current: { token: string; transport: Transport } | undefined;

  constructor(files: FileSystem, apiAccess: (token: string) => Transport, ended: AbortSignal) {
    this.#files = files;
    this.#apiAccess = apiAccess;
    this.#ended = ended;
  }

  static isMounted(files: FileSystem): boolean {
    return files.stat(TOKEN_PATH) !== undefined;
  }

  request(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
    return this.#transport().request(request, this.#with(signal));
  }

  upgrade(request: HttpRequest, protocols: readonly string[], signal?: AbortSignal): Promise<Upgraded> {
    return this.#transport().upgrade(request, protocols, this.#with(signal));
  }

  #with(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#ended]) : this.#ended;
  }

  #transport(): Transport {
    if (!this.#files.stat(TOKEN_PATH)) throw new TransportError("the service account token is not mounted");
    const token = this.#files.readText(TOKEN_PATH).trim();
    if (this.#current?.token !== token) this.#current = { token, transport: this.#apiAccess(token) };
    return this.#current.transport;
  }
}
