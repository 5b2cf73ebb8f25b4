import { expect } from "@jest/globals";
import { admissionPlugins } from "../../apiserver/admission/plugins.js";
import type { ApiServer } from "../../apiserver/api-server.js";
import { bootstrap } from "../../apiserver/bootstrap.js";
import { PortAllocator } from "../../apiserver/registry/allocators/port-allocator.js";
import { allResources } from "../../apiserver/registry/resources.js";
import { DEFAULT_RANGES } from "../../apiserver/registry/services/resource.js";
import { memoryStorage } from "../../apiserver/storage/memory-storage.js";
import type { Service } from "../../machinery/api/core-v1.js";
import { directTransport } from "../../machinery/client/direct-transport.js";
import { ApiClient, type Reply } from "../conformance/api-client.js";
import { inProcessApi } from "../testkit/in-process-api.js";

export const SERVICES = "/api/v1/namespaces/default/services";
export const IP_ADDRESSES = "/apis/networking.k8s.io/v1/ipaddresses";
export const SERVICE_CIDRS = "/apis/networking.k8s.io/v1/servicecidrs";
export const AS_TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };

/** An API server with what a cluster has at its start, and the few calls that tests about Services make. */
export class ServiceApi {
  readonly api: ApiClient;
  readonly server: ApiServer;
  readonly nodePorts: PortAllocator;

  constructor(server: ApiServer, nodePorts: PortAllocator) {
    this.server = server;
    this.nodePorts = nodePorts;
    this.api = new ApiClient(directTransport(server));
  }

  static async start(
    clusterIps: readonly string[] = DEFAULT_RANGES.clusterIps,
    storage = memoryStorage(),
  ): Promise<ServiceApi> {
    const { first, last } = DEFAULT_RANGES.nodePorts;
    const nodePorts = new PortAllocator(first, last);
    const server = await inProcessApi(
      allResources({ ranges: { clusterIps, nodePorts: DEFAULT_RANGES.nodePorts }, nodePorts }),
      { admission: admissionPlugins, storage },
    );
    await bootstrap({
      store: (descriptor) => server.store(descriptor),
      address: { ip: "172.18.0.2", port: 6443 },
      serviceCidrs: clusterIps,
    });
    return new ServiceApi(server, nodePorts);
  }

  post(spec: object, name = "a"): Promise<Reply> {
    return this.api.post(SERVICES, { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
  }

  async create(spec: object, name = "a"): Promise<Service> {
    return accepted(await this.post(spec, name));
  }

  async patch(spec: object, name = "a"): Promise<Service> {
    return accepted(await this.tryPatch(spec, name));
  }

  tryPatch(spec: object, name = "a"): Promise<Reply> {
    return this.api.patch(`${SERVICES}/${name}`, "merge", { spec });
  }

  async put(spec: object, name = "a"): Promise<Service> {
    return accepted(await this.tryPut(spec, name));
  }

  tryPut(spec: object, name = "a"): Promise<Reply> {
    return this.api.put(`${SERVICES}/${name}`, { metadata: { name }, spec });
  }

  /** Names of all IPAddresses but that of Service kubernetes. */
  async addresses(): Promise<string[]> {
    const { body } = await this.api.get(IP_ADDRESSES);
    return (body.items ?? [])
      .filter(({ spec }) => (spec?.["parentRef"] as { name: string } | undefined)?.name !== "kubernetes")
      .map(({ metadata }) => metadata.name);
  }
}

function accepted({ body }: Reply): Service {
  expect(body.message).toBeUndefined();
  return body as unknown as Service;
}

/** What is said of Service `name`, without the sentence that names it. */
export function refusal({ status, body }: Reply, name = "a"): string | undefined {
  expect([status, body.reason]).toEqual([422, "Invalid"]);
  return body.message?.replace(`Service "${name}" is invalid: `, "");
}
