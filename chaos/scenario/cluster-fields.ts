import { invalid } from "../../machinery/api/field-error.js";
import {
  choice,
  defined,
  duration,
  durationRange,
  type FieldType,
  flag,
  isRecord,
  list,
  number,
  object,
  of,
  text,
} from "./fields.js";
import type { ClusterShape } from "./types.js";

const CIDR = /^[0-9a-fA-F.:]+\/\d{1,3}$/;

const cidr: FieldType<string> = {
  ...text,
  type: "CIDR",
  read(value, at, errors) {
    if (typeof value === "string" && CIDR.test(value)) return value;
    errors.push(invalid(at, value, "must be a CIDR such as 10.244.0.0/16"));
    return undefined;
  },
};

const imageFields = {
  pull: of(durationRange, "how long pulling it takes"),
  start: of(durationRange, "how long its containers take to start"),
  boot: of(durationRange, "how long they run before they do anything, such as listen"),
};
type ImageLatencies = NonNullable<ClusterShape["images"]>[string];
const image: FieldType<ImageLatencies> = object(imageFields, ({ pull, start, boot }) =>
  defined({ pullMs: pull, startMs: start, bootMs: boot }),
);

const images: FieldType<NonNullable<ClusterShape["images"]>> = {
  type: "objects by image name",
  schema: { type: "object", additionalProperties: image.schema },
  fields: imageFields,
  read(value, at, errors) {
    if (!isRecord(value)) {
      errors.push(invalid(at, value, "must be latencies by image name (or default)"));
      return undefined;
    }
    const read = Object.entries(value).map(([name, one]) => [name, image.read(one, at.key(name), errors)]);
    return Object.fromEntries(read) as NonNullable<ClusterShape["images"]>;
  },
};

const latencyFields = {
  api: of(durationRange, "of each message between a component and the API server", { default: "0.2ms-2ms" }),
  network: of(durationRange, "of each packet between hosts", { default: "0.05ms-0.5ms" }),
  watch: of(durationRange, "of each event of a watch", { default: "that of api" }),
};

export const clusterFields = {
  nodes: of(number(1, 10_000, true), "how many", { default: "3 when simulated" }),
  zones: of(list(text), "nodes are spread over them in turn"),
  proxyMode: of(choice("userspace", "iptables", "ipvs", "nftables"), "of every node"),
  ipvsScheduler: of(
    choice("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "dh", "sed", "nq", "mh"),
    "of the ipvs mode",
  ),
  podCIDR: of(cidr, "where pods get their addresses from"),
  reusePolicy: of(
    choice("delayed", "immediate", "adversarial"),
    "when the address of a pod that is gone is given out again",
  ),
  dns: of(flag, "whether a simulated one has cluster DNS", { default: "true" }),
  history: of(duration, "how much history the API server keeps"),
  latencies: of(
    object(latencyFields, ({ api, network, watch }) =>
      defined({ apiMs: api, networkMs: network, watchMs: watch }),
    ),
    "simulated only; a live cluster has the machine's",
  ),
  images: of(images, "latencies by image name, or `default`"),
};

/** Only what the file says. */
export const clusterShape: FieldType<ClusterShape> = object(clusterFields, ({ history, ...rest }) =>
  defined({ ...rest, historyMs: history }),
);
