import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { ManifestDocument } from "../manifests.js";
import { UserError } from "../supervisor/cluster.js";

export type Generated = ManifestDocument;

export interface GeneratorOptions {
  image: readonly string[];
  replicas?: number | undefined;
  port?: number | undefined;
  "from-literal": readonly string[];
  "from-file": readonly string[];
  tcp: readonly string[];
  "node-port"?: number | undefined;
  "external-name"?: string | undefined;
  command: readonly string[];
}

/** `kubectl create KIND`: words that name it (with its short names), and the object it makes. */
export interface Generator {
  words: readonly (readonly string[])[];
  generate(name: string, options: GeneratorOptions): KubeObject;
}

// What is sent is a manifest: the server fills in the rest.
const manifest = (object: unknown): KubeObject => object as KubeObject;

export const generators: readonly Generator[] = [
  {
    words: [["namespace"], ["ns"]],
    generate: (name) => manifest({ apiVersion: "v1", kind: "Namespace", metadata: { name } }),
  },
  {
    words: [["serviceaccount"], ["sa"]],
    generate: (name) => manifest({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name } }),
  },
  {
    words: [["configmap"], ["cm"]],
    generate: (name, options) =>
      manifest({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: keyValues(options) }),
  },
  {
    words: [["secret", "generic"]],
    generate: (name, options) =>
      manifest({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name },
        data: Object.fromEntries(
          Object.entries(keyValues(options)).map(([key, value]) => [
            key,
            Buffer.from(value).toString("base64"),
          ]),
        ),
      }),
  },
  { words: [["deployment"], ["deploy"]], generate: deployment },
  {
    words: [
      ["service", "clusterip"],
      ["svc", "clusterip"],
    ],
    generate: service("ClusterIP"),
  },
  {
    words: [
      ["service", "nodeport"],
      ["svc", "nodeport"],
    ],
    generate: service("NodePort"),
  },
  {
    words: [
      ["service", "loadbalancer"],
      ["svc", "loadbalancer"],
    ],
    generate: service("LoadBalancer"),
  },
  {
    words: [
      ["service", "externalname"],
      ["svc", "externalname"],
    ],
    generate: service("ExternalName"),
  },
];

function deployment(name: string, { image, replicas, port, command }: GeneratorOptions): KubeObject {
  if (image.length === 0) throw new UserError('required flag(s) "image" not set', 2);
  const labels = { app: name };
  return manifest({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels },
    spec: {
      replicas: replicas ?? 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: image.map((reference) => ({
            name: containerName(reference),
            image: reference,
            ...(command.length > 0 ? { command } : {}),
            ...(port === undefined ? {} : { ports: [{ containerPort: port }] }),
          })),
        },
      },
    },
  });
}

/** The image's last path part without tag or digest, as a DNS label. */
const containerName = (reference: string): string =>
  (reference.split("/").pop() ?? reference)
    .split(/[@:]/)[0]
    ?.toLowerCase()
    .replace(/[^a-z0-9-]/g, "-") ?? "container";

function service(type: string): Generator["generate"] {
  return (name, options) => {
    const ports = options.tcp.map((pair) => {
      const [port, target = port] = pair.split(":");
      return {
        name: pair.replace(":", "-"),
        port: Number(port),
        protocol: "TCP",
        targetPort: /^\d+$/.test(target ?? "") ? Number(target) : target,
        ...(options["node-port"] === undefined ? {} : { nodePort: options["node-port"] }),
      };
    });
    const external = type === "ExternalName" ? { externalName: options["external-name"] } : {};
    return manifest({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, labels: { app: name } },
      spec: { type, selector: { app: name }, ...(ports.length > 0 ? { ports } : {}), ...external },
    });
  };
}

function keyValues(options: GeneratorOptions): Record<string, string> {
  const literals = options["from-literal"].map((pair): [string, string] => {
    const equals = pair.indexOf("=");
    if (equals <= 0) throw new UserError(`invalid literal source ${pair}, expected key=value`);
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
  const files = options["from-file"].map((source): [string, string] => {
    const equals = source.indexOf("=");
    const path = equals < 0 ? source : source.slice(equals + 1);
    try {
      return [equals < 0 ? basename(path) : source.slice(0, equals), readFileSync(path, "utf8")];
    } catch {
      throw new UserError(`error reading ${path}: no such file or directory`);
    }
  });
  return Object.fromEntries([...literals, ...files]);
}
