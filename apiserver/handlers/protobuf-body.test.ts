import { expect, test } from "@jest/globals";
import { decodeProtobuf } from "../../machinery/api/protobuf/decode.js";
import { ProtobufError } from "../../machinery/api/protobuf/wire.js";
import { BuiltinSchemas } from "../openapi/builtin-schemas.js";

const schemas = new BuiltinSchemas();
const decode = (sent: Uint8Array): Record<string, unknown> => decodeProtobuf(sent, schemas);

// A small writer, so that tests show what lies on the wire.
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const integer = (number: number, value: number): number[] => [...varint(number * 8), ...varint(value)];
const bytes = (number: number, value: readonly number[]): number[] => [
  ...varint(number * 8 + 2),
  ...varint(value.length),
  ...value,
];
const text = (number: number, value: string): number[] => bytes(number, [...Buffer.from(value)]);

const body = (apiVersion: string, kind: string, object: readonly number[]): Uint8Array =>
  Uint8Array.from([
    ...Buffer.from("k8s\0"),
    ...bytes(1, [...text(1, apiVersion), ...text(2, kind)]),
    ...bytes(2, object),
    ...text(3, ""),
    ...text(4, ""),
  ]);
const named = (name: string): number[] =>
  bytes(1, [...text(1, name), ...text(2, ""), ...text(5, ""), ...integer(7, 0), ...bytes(8, [])]);

test("an object is read without what Go writes for unset fields", () => {
  expect(decode(body("v1", "ServiceAccount", named("robot")))).toEqual({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "robot" },
  });
});

test("maps keep their keys, whatever they are called, and bytes become base64", () => {
  const entry = [...text(1, "password"), ...text(2, "geheim")];
  const odd = [...text(1, "__proto__"), ...text(2, "x")];
  const { data } = decode(
    body("v1", "Secret", [...named("s"), ...bytes(2, entry), ...bytes(2, odd), ...text(3, "Opaque")]),
  );
  expect(Object.entries(data as object)).toEqual([
    ["password", "Z2VoZWlt"],
    ["__proto__", "eA=="],
  ]);
});

test("a zero that was meant is kept: a Deployment of no replicas", () => {
  const container = [
    ...text(1, "web"),
    ...text(2, "nginx"),
    ...bytes(6, [...integer(2, 0), ...integer(3, 80)]),
  ];
  const template = bytes(3, bytes(2, bytes(2, container)));
  const sent = body("apps/v1", "Deployment", bytes(2, [...integer(1, 0), ...template, ...integer(5, 0)]));
  expect(decode(sent)).toEqual({
    apiVersion: "apps/v1",
    kind: "Deployment",
    spec: {
      replicas: 0,
      template: { spec: { containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80 }] }] } },
    },
  });
});

test("embedded messages lie beside their name: a volume's source, a reference's name", () => {
  const memory = [...text(1, "v"), ...bytes(2, bytes(2, text(1, "Memory")))];
  const settings = [...text(1, "s"), ...bytes(2, bytes(19, bytes(1, text(1, "settings"))))];
  expect(decode(body("v1", "Pod", bytes(2, [...bytes(1, memory), ...bytes(1, settings)])))).toMatchObject({
    spec: {
      volumes: [
        { name: "v", emptyDir: { medium: "Memory" } },
        { name: "s", configMap: { name: "settings" } },
      ],
    },
  });
});

test("target ports are numbers or names, times are texts", () => {
  const port = (target: readonly number[]): number[] => bytes(1, [...integer(3, 80), ...bytes(4, target)]);
  const service = bytes(2, [
    ...port([...integer(1, 0), ...integer(2, 8080)]),
    ...port([...integer(1, 1), ...text(3, "http")]),
    ...port([...integer(1, 0), ...integer(2, 0)]),
  ]);
  expect(decode(body("v1", "Service", service))).toMatchObject({
    spec: { ports: [{ port: 80, targetPort: 8080 }, { port: 80, targetPort: "http" }, { port: 80 }] },
  });
  const renewed = bytes(4, [...integer(1, 1_000_000_000), ...integer(2, 5000)]);
  const lease = bytes(2, [...text(1, "me"), ...renewed]);
  expect(decode(body("coordination.k8s.io/v1", "Lease", lease))).toMatchObject({
    spec: { holderIdentity: "me", renewTime: "2001-09-09T01:46:40.000005Z" },
  });
});

test("options of a deletion are the same in every group", () => {
  expect(decode(body("policy/v1", "DeleteOptions", integer(1, 0)))).toEqual({
    apiVersion: "policy/v1",
    kind: "DeleteOptions",
    gracePeriodSeconds: 0,
  });
});

test.each([
  ["no magic number", Buffer.from('{"kind":"Pod"}'), /does not appear to be a protobuf message/],
  ["an unknown kind", body("v1", "Gadget", []), /no kind "Gadget" is registered for version "v1"/],
  ["a message that ends early", body("v1", "Pod", [10, 200]), /unexpected EOF/],
  ["a field of another type", body("v1", "Pod", integer(1, 5)), /wrong wireType/],
  ["a field that is not known", body("v1", "Pod", integer(99, 5)), /cannot read field 99 of core.v1.Pod/],
])("%s is refused", (_what, sent, message) => {
  expect(() => decode(sent)).toThrow(ProtobufError);
  expect(() => decode(sent)).toThrow(message);
});

test("an Ingress is read as Go's typed clients send it, its rules beside their hosts", () => {
  const backend = bytes(4, [...text(1, "web"), ...bytes(2, [...text(1, ""), ...integer(2, 80)])]);
  const path = bytes(1, [...text(1, "/"), ...bytes(2, backend), ...text(3, "Prefix")]);
  const rule = bytes(3, [...text(1, "a.example.com"), ...bytes(2, bytes(1, path))]);
  const tls = bytes(2, [...text(1, "a.example.com"), ...text(2, "tls")]);
  const spec = bytes(2, [...tls, ...rule, ...text(4, "nginx")]);
  expect(decode(body("networking.k8s.io/v1", "Ingress", spec))).toMatchObject({
    spec: {
      ingressClassName: "nginx",
      tls: [{ hosts: ["a.example.com"], secretName: "tls" }],
      rules: [
        {
          host: "a.example.com",
          http: {
            paths: [
              { path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } },
            ],
          },
        },
      ],
    },
  });
});

test("an IPAddress and a ServiceCIDR are read with what they name", () => {
  const parent = bytes(1, [...text(1, ""), ...text(2, "services"), ...text(3, "default"), ...text(4, "web")]);
  expect(decode(body("networking.k8s.io/v1", "IPAddress", bytes(2, parent)))).toMatchObject({
    spec: { parentRef: { resource: "services", namespace: "default", name: "web" } },
  });
  const cidrs = bytes(2, [...text(1, "10.0.0.0/24"), ...text(1, "fd00::/112")]);
  expect(decode(body("networking.k8s.io/v1", "ServiceCIDR", cidrs))).toMatchObject({
    spec: { cidrs: ["10.0.0.0/24", "fd00::/112"] },
  });
});
