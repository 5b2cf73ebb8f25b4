import { endpointSlices, SERVICE_NAME_LABEL } from "../../machinery/api/discovery-v1.js";
import { pods } from "../../machinery/api/core-v1.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { adminCall } from "../../machinery/runtime/admin-server.js";
import type { CliContext } from "../command.js";

interface NodeTable {
  node: string;
  revision: number;
  routes: { servicePort: string; backends: { ip: string; ready: boolean }[] }[];
}

/** Who can be reached, as three witnesses tell it. */
export interface View {
  /** IPs of ready pods of the selector that are not going away. */
  pods: string[];
  slices: string[];
  /** By node. */
  tables: Map<string, string[]>;
}

const POLL_MS = 10;
const LIMIT_MS = 60_000;

/** Pods, EndpointSlices and every node's table of one Service. */
export class ConvergenceWatch {
  readonly #client: RestClient;
  readonly #dataplane: string;
  readonly #service: { namespace: string; name: string; selector: string };
  readonly #context: CliContext;

  constructor(options: {
    client: RestClient;
    dataplane: string;
    service: { namespace: string; name: string; selector: string };
    context: CliContext;
  }) {
    this.#client = options.client;
    this.#dataplane = options.dataplane;
    this.#service = options.service;
    this.#context = options.context;
  }

  async view(): Promise<View> {
    const { namespace, name, selector } = this.#service;
    const [podList, sliceList, tables] = await Promise.all([
      this.#client.list(pods, { namespace, labelSelector: selector }),
      this.#client.list(endpointSlices, { namespace, labelSelector: `${SERVICE_NAME_LABEL}=${name}` }),
      adminCall(this.#dataplane, "GET", "/tables") as Promise<NodeTable[]>,
    ]);
    const ready = podList.items.filter(
      ({ metadata, status }) =>
        !metadata.deletionTimestamp &&
        status.conditions?.some((c) => c.type === "Ready" && c.status === "True"),
    );
    return {
      pods: ready.map(({ status }) => status.podIP ?? "").sort(),
      slices: sliceList.items
        .flatMap(({ endpoints }) =>
          endpoints.filter(({ conditions }) => conditions?.ready).flatMap((e) => e.addresses),
        )
        .sort(),
      tables: new Map(
        tables.map(({ node, routes }) => {
          const route = routes.find(
            ({ servicePort }) => servicePort.split(":")[0] === `${namespace}/${name}`,
          );
          return [
            node,
            (route?.backends ?? [])
              .filter((backend) => backend.ready)
              .map(({ ip }) => ip)
              .sort(),
          ];
        }),
      ),
    };
  }

  /** Resolves with the milliseconds it took until `count` pods are ready and slices and every table agree with them. */
  async until(count: number, settled: () => Promise<boolean> = () => Promise.resolve(true)): Promise<number> {
    const { clock, signal } = this.#context;
    const startedMs = clock.monotonicMs();
    for (;;) {
      const view = await this.view();
      if (view.pods.length === count && agrees(view) && (await settled()))
        return clock.monotonicMs() - startedMs;
      if (clock.monotonicMs() - startedMs > LIMIT_MS) {
        throw new RangeError(
          `the cluster did not converge within ${LIMIT_MS / 1000} s: ${JSON.stringify(view)}`,
        );
      }
      await clock.sleep(POLL_MS, signal);
    }
  }
}

export const agrees = ({ pods: ready, slices, tables }: View): boolean => {
  const wanted = ready.join();
  return slices.join() === wanted && [...tables.values()].every((backends) => backends.join() === wanted);
};
