import { describe, expect, test } from "@jest/globals";
import { StatusError } from "../status.js";
import { type Decoded, decodeObject, type FieldValidation } from "./decode.js";
import type { Schema, SchemaSource, Struct } from "./schema.js";

const STRING: Schema = { type: "string" };
const struct = (name: string, fields: Record<string, Schema>): Schema => {
  const [goName = "", goPackage = ""] = name.split(".").toReversed();
  const shared: Struct = { name, goName, goPackage, fields: new Map(Object.entries(fields)), required: [] };
  return { type: "struct", struct: shared };
};
const listOf = (items: Schema): Schema => ({ type: "list", items });

const OBJECT_META = struct("meta.v1.ObjectMeta", {
  name: STRING,
  labels: { type: "map", items: STRING },
  finalizers: listOf(STRING),
  generation: { type: "int64" },
  creationTimestamp: { type: "time" },
});
const TYPE_META = { apiVersion: STRING, kind: STRING, metadata: OBJECT_META };
const SERVICE = struct("core.v1.Service", {
  ...TYPE_META,
  spec: struct("core.v1.ServiceSpec", {
    type: { type: "string", goType: "v1.ServiceType" },
    selector: { type: "map", items: STRING },
    publishNotReadyAddresses: { type: "boolean" },
    ports: listOf(
      struct("core.v1.ServicePort", {
        name: STRING,
        port: { type: "int32" },
        targetPort: { type: "intOrString" },
      }),
    ),
  }),
});
const LEASE = struct("coordination.v1.Lease", {
  ...TYPE_META,
  spec: struct("v1.LeaseSpec", { renewTime: { type: "microTime" } }),
});
const SECRET = struct("core.v1.Secret", { ...TYPE_META, data: { type: "map", items: { type: "bytes" } } });
const QUOTA = struct("core.v1.ResourceQuota", {
  ...TYPE_META,
  spec: struct("core.v1.ResourceQuotaSpec", { hard: { type: "map", items: { type: "quantity" } } }),
});
const REVISION = struct("apps.v1.ControllerRevision", { ...TYPE_META, data: { type: "any" } });

const KINDS: Record<string, Schema> = {
  "v1 Service": SERVICE,
  "v1 Secret": SECRET,
  "v1 ResourceQuota": QUOTA,
  "v1 Lease": LEASE,
  "v1 ControllerRevision": REVISION,
};
const source: SchemaSource = {
  schemaOf: ({ group, version, kind }) => (group === "" ? KINDS[`${version} ${kind}`] : undefined),
};

function decode(kind: string, text: string | object, fieldValidation: FieldValidation = "Strict"): Decoded {
  const input = typeof text === "string" ? { bytes: Buffer.from(text) } : { value: text };
  return decodeObject({ gvk: { group: "", version: "v1", kind }, input, fieldValidation, source });
}

function refusal(kind: string, text: string | object, fieldValidation: FieldValidation = "Strict"): string {
  try {
    decode(kind, text, fieldValidation);
  } catch (err) {
    if (err instanceof StatusError && err.status.code === 400) return err.message;
    throw err;
  }
  return "accepted";
}

const SERVICE_PREFIX = 'Service in version "v1" cannot be handled as a Service: ';

describe("values of the wrong type are named as Go names them", () => {
  test.each([
    [
      '{"spec":{"ports":[{"port":"x"}]}}',
      "string into Go struct field ServicePort.spec.ports.port of type int32",
    ],
    [
      '{"spec":{"ports":[{"port":1.5}]}}',
      "number 1.5 into Go struct field ServicePort.spec.ports.port of type int32",
    ],
    [
      '{"spec":{"ports":[{"port":80.0}]}}',
      "number 80.0 into Go struct field ServicePort.spec.ports.port of type int32",
    ],
    [
      '{"spec":{"ports":[{"port":3000000000}]}}',
      "number 3000000000 into Go struct field ServicePort.spec.ports.port of type int32",
    ],
    [
      '{"spec":{"ports":[{"targetPort":true}]}}',
      "bool into Go struct field ServicePort.spec.ports.targetPort of type int32",
    ],
    ['{"spec":{"ports":{}}}', "object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort"],
    ['{"spec":{"type":5}}', "number into Go struct field ServiceSpec.spec.type of type v1.ServiceType"],
    [
      '{"spec":{"publishNotReadyAddresses":"yes"}}',
      "string into Go struct field ServiceSpec.spec.publishNotReadyAddresses of type bool",
    ],
    ['{"spec":[]}', "array into Go struct field Service.spec of type v1.ServiceSpec"],
    [
      '{"metadata":{"labels":{"a":1}}}',
      "number into Go struct field ObjectMeta.metadata.labels of type string",
    ],
    [
      '{"metadata":{"labels":["a"]}}',
      "array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
    ],
    [
      '{"metadata":{"generation":9223372036854775808}}',
      "number 9223372036854775808 into Go struct field ObjectMeta.metadata.generation of type int64",
    ],
  ])("%s", (text, message) => {
    expect(refusal("Service", text)).toBe(`${SERVICE_PREFIX}json: cannot unmarshal ${message}`);
  });

  test("the first wrong value decides, whatever fieldValidation says", () => {
    const text = '{"spec":{"unknown":1,"type":5,"ports":"x"}}';
    for (const validation of ["Ignore", "Warn", "Strict"] as const)
      expect(refusal("Service", text, validation)).toContain("of type v1.ServiceType");
  });
});

describe("scalars that have a form", () => {
  test.each([
    [
      "Service",
      { metadata: { creationTimestamp: "abc" } },
      'parsing time "abc" as "2006-01-02T15:04:05Z07:00": cannot parse "abc" as "2006"',
    ],
    [
      "Service",
      { metadata: { creationTimestamp: "2026-13-01T00:00:00Z" } },
      'parsing time "2026-13-01T00:00:00Z": month out of range',
    ],
    [
      "Service",
      { metadata: { creationTimestamp: "2026-02-30T00:00:00Z" } },
      'parsing time "2026-02-30T00:00:00Z": day out of range',
    ],
    ["Secret", { data: { a: "***" } }, "illegal base64 data at input byte 0"],
    ["Secret", { data: { a: "YWJj*" } }, "illegal base64 data at input byte 4"],
    ["Secret", { data: { a: "YWJ" } }, "illegal base64 data at input byte 0"],
    [
      "ResourceQuota",
      { spec: { hard: { cpu: "1 core" } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    ["ResourceQuota", { spec: { hard: { cpu: "1Kk" } } }, "unable to parse quantity's suffix"],
  ])("a %s with a malformed one is refused: %j", (kind, value, message) => {
    expect(refusal(kind, value)).toBe(`${kind} in version "v1" cannot be handled as a ${kind}: ${message}`);
  });

  test("times are brought to UTC: whole seconds, or six digits for MicroTime", () => {
    const { object } = decode("Service", { metadata: { creationTimestamp: "2026-01-01T02:00:00.75+02:00" } });
    expect(object["metadata"]).toEqual({ creationTimestamp: "2026-01-01T00:00:00Z" });
    const lease = decode("Lease", { spec: { renewTime: "2026-01-01T02:00:00.123456+02:00" } });
    expect(lease.object["spec"]).toEqual({ renewTime: "2026-01-01T00:00:00.123456Z" });
  });

  test("quantities may be written as numbers, base64 may be broken into lines", () => {
    const quota = decode("ResourceQuota", { spec: { hard: { cpu: 2, memory: "1Gi" } } });
    expect(quota.object["spec"]).toEqual({ hard: { cpu: "2", memory: "1Gi" } });
    expect(decode("Secret", { data: { a: "YWJj\nZGVm" } }).object["data"]).toEqual({ a: "YWJjZGVm" });
  });
});

describe("fields that the kind does not have", () => {
  const text = '{"spec":{"foo":1,"ports":[{"port":1},{"bar":2}]},"status2":{}}';

  test("are refused by strict validation, all of them", () => {
    expect(refusal("Service", text)).toBe(
      `${SERVICE_PREFIX}strict decoding error: unknown field "spec.foo", unknown field "spec.ports[1].bar", unknown field "status2"`,
    );
  });

  test("become warnings, and are dropped", () => {
    const { object, warnings } = decode("Service", text, "Warn");
    expect(warnings).toEqual([
      'unknown field "spec.foo"',
      'unknown field "spec.ports[1].bar"',
      'unknown field "status2"',
    ]);
    expect(object).toEqual({ spec: { ports: [{ port: 1 }, {}] }, apiVersion: "v1", kind: "Service" });
  });

  test("are dropped silently when asked to, and differ by case", () => {
    const { object, warnings } = decode("Service", { spec: { Ports: [] } }, "Ignore");
    expect(warnings).toEqual([]);
    expect(object["spec"]).toEqual({});
  });

  test("stay where the kind is free-form", () => {
    expect(decode("ControllerRevision", '{"data":{"any":[1,{"thing":null}]}}').object["data"]).toEqual({
      any: [1, { thing: null }],
    });
  });
});

test("a key given twice is reported with its path; the last value counts", () => {
  const text = '{"metadata":{"name":"a","name":"b","labels":{"x":"1","x":"2"}}}';
  expect(refusal("Service", text)).toBe(
    `${SERVICE_PREFIX}strict decoding error: duplicate field "metadata.name", duplicate field "metadata.labels.x"`,
  );
  expect(decode("Service", text, "Warn").object["metadata"]).toEqual({ name: "b", labels: { x: "2" } });
});

test("null is the absence of a field, and the empty value inside lists and maps", () => {
  const { object } = decode(
    "Service",
    '{"metadata":null,"spec":{"type":null,"selector":{"a":null},"ports":[null]}}',
  );
  expect(object).toEqual({ spec: { selector: { a: "" }, ports: [{}] }, apiVersion: "v1", kind: "Service" });
});

describe("keys that JavaScript treats specially", () => {
  test("are ordinary keys of maps", () => {
    const { object } = decode("Service", '{"metadata":{"labels":{"__proto__":"p","constructor":"c"}}}');
    const { labels } = object["metadata"] as { labels: object };
    expect(Object.entries(labels)).toEqual([
      ["__proto__", "p"],
      ["constructor", "c"],
    ]);
    expect(JSON.parse(JSON.stringify(labels))).toHaveProperty(["__proto__"], "p");
  });

  test("are unknown fields of objects and reach no prototype", () => {
    const text =
      '{"__proto__":{"polluted":1},"spec":{"constructor":{"prototype":{"polluted":1}},"toString":1}}';
    const { object, warnings } = decode("Service", text, "Warn");
    expect(warnings).toEqual([
      'unknown field "__proto__"',
      'unknown field "spec.constructor"',
      'unknown field "spec.toString"',
    ]);
    expect(object).toEqual({ spec: {}, apiVersion: "v1", kind: "Service" });
    expect({}).not.toHaveProperty("polluted");
  });
});

describe("text that is no object", () => {
  const unrecognized =
    "the object provided is unrecognized (must be of type Service): couldn't get version/kind; json parse error: ";

  test.each([
    ["", "unexpected end of JSON input (<empty>)"],
    ['{"spec": nul}', "invalid character '}' in literal null (expecting 'l') ({\"spec\": nul})"],
    ["{'a': 1}", "invalid character '\\'' looking for beginning of object key string ({'a': 1})"],
    ['{"a": 1,}', "invalid character '}' looking for beginning of object key string ({\"a\": 1,})"],
    ['{"a": 1 "b": 2}', 'invalid character \'"\' after object key:value pair ({"a": 1 "b": 2})'],
    ['{"a": [1 2]}', "invalid character '2' after array element ({\"a\": [1 2]})"],
    ['{"a": 01}', "invalid character '1' after object key:value pair ({\"a\": 01})"],
    ['{"a": 1.}', "invalid character '}' after decimal point in numeric literal ({\"a\": 1.})"],
    ['{"a": "\\x"}', 'invalid character \'x\' in string escape code ({"a": "\\x"})'],
    ["{} x", "invalid character 'x' after top-level value ({} x)"],
    ["kind: Service", "invalid character 'k' looking for beginning of value (6b696e643a2053657276696365)"],
  ])("%s", (text, message) => {
    expect(refusal("Service", text)).toBe(unrecognized + message);
  });

  test("nesting of 100,000 is refused without recursion, 10,000 is what Go takes", () => {
    for (const deep of ["[".repeat(100_000), '{"a":'.repeat(100_000), '{"spec":'.repeat(10_001)])
      expect(refusal("Service", deep)).toContain("json parse error: exceeded max depth");
    const pruned = `{"unknown":${"[".repeat(9_000)}${"]".repeat(9_000)}}`;
    expect(decode("Service", pruned, "Warn").warnings).toEqual(['unknown field "unknown"']);
  });

  test("free-form values too deep to be printed again are refused", () => {
    const text = `{"data":${"[".repeat(5_000)}${"]".repeat(5_000)}}`;
    expect(refusal("ControllerRevision", text)).toContain("exceeded max depth");
  });
});

describe("objects of another kind", () => {
  test.each([
    [
      '{"kind":"Foo"}',
      'Foo in version "v1" cannot be handled as a Service: no kind "Foo" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      '{"kind":"Secret"}',
      'Secret in version "v1" cannot be handled as a Service: converting (v1.Secret) to (core.Service): unknown conversion',
    ],
    [
      '{"apiVersion":"apps/v2"}',
      'Service in version "v2" cannot be handled as a Service: no kind "Service" is registered for version "apps/v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      '{"apiVersion":"a/b/c"}',
      'the object provided is unrecognized (must be of type Service): unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c"})',
    ],
    [
      '{"apiVersion":1}',
      'the object provided is unrecognized (must be of type Service): couldn\'t get version/kind; json parse error: json: cannot unmarshal number into Go struct field .apiVersion of type string ({"apiVersion":1})',
    ],
  ])("%s", (text, message) => {
    expect(refusal("Service", text)).toBe(message);
  });

  test("apiVersion and kind may be left out", () => {
    expect(decode("Service", "{}").object).toEqual({ apiVersion: "v1", kind: "Service" });
  });
});
