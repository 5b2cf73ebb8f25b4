import { describe, expect, test } from "@jest/globals";
import { goTypeOf, mergeMarks } from "../../machinery/api/schema/schema.js";
import { BuiltinSchemas } from "./builtin-schemas.js";
import { readDeclaration } from "./declarations.js";
import { loadDescriptions, loadModel } from "./model-file.js";
import type { PropertyType } from "./model.js";

const { definitions } = loadModel();
const property = (definition: string, name: string): PropertyType | undefined =>
  definitions[definition]?.properties?.[name];

function references(type: PropertyType): string[] {
  if (type.ref !== undefined) return [type.ref];
  return [type.items, type.additionalProperties].flatMap((inner) => (inner ? references(inner) : []));
}

describe("the derived models of Kubernetes 1.36", () => {
  test("refer only to each other", () => {
    const missing = Object.values(definitions)
      .flatMap(({ properties }) => Object.values(properties ?? {}).flatMap(references))
      .filter((name) => !definitions[name]);
    expect(missing).toEqual([]);
    expect(Object.keys(definitions).length).toBeGreaterThan(580);
  });

  test("know formats, enums and required fields", () => {
    expect(property("io.k8s.api.core.v1.ServicePort", "port")).toEqual({ type: "integer", format: "int32" });
    expect(property("io.k8s.api.core.v1.ServicePort", "protocol")).toMatchObject({
      enum: ["SCTP", "TCP", "UDP"],
    });
    expect(property("io.k8s.api.core.v1.Secret", "data")?.additionalProperties?.format).toBe("byte");
    expect(property("io.k8s.api.core.v1.PodSecurityContext", "supplementalGroups")?.items?.format).toBe(
      "int64",
    );
    expect(definitions["io.k8s.api.core.v1.ServicePort"]?.required).toEqual(["port"]);
    expect(definitions["io.k8s.api.apps.v1.Deployment"]?.gvk).toEqual({
      group: "apps",
      version: "v1",
      kind: "Deployment",
    });
  });

  test("leave no number without a type of its own", () => {
    const forms = new Set<string>();
    for (const { properties } of Object.values(definitions))
      for (const { type, format } of Object.values(properties ?? {}))
        if (type === "number" || type === "integer") forms.add(`${type} ${format}`);
    expect([...forms].toSorted()).toEqual(["integer int32", "integer int64", "number double"]);
  });

  test("carry the marks of patches and server-side apply", () => {
    expect(property("io.k8s.api.core.v1.PodSpec", "containers")?.marks).toEqual({
      patch: ["merge"],
      mergeKey: "name",
      listType: "map",
      mapKeys: ["name"],
    });
    expect(property("io.k8s.api.core.v1.ServiceSpec", "ports")?.marks?.mapKeys).toEqual(["port", "protocol"]);
    expect(property("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "finalizers")?.marks?.listType).toBe(
      "set",
    );
    expect(property("io.k8s.api.core.v1.PodList", "items")?.marks).toBeUndefined();
    expect(definitions["io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"]?.mapType).toBe("atomic");
  });

  test("keep the prose of the reference apart", () => {
    expect(loadDescriptions()["io.k8s.api.core.v1.ServicePort"]?.["port"]).toBe(
      "The port that will be exposed by this service.",
    );
  });
});

describe("schemas of the built-in kinds", () => {
  const schemas = new BuiltinSchemas();
  const pod = schemas.schemaOf({ group: "", version: "v1", kind: "Pod" });
  const spec = pod?.struct?.fields.get("spec");

  test("name Go's types", () => {
    expect(spec && goTypeOf(spec)).toBe("v1.PodSpec");
    const containers = spec?.struct?.fields.get("containers");
    expect(containers && goTypeOf(containers)).toBe("[]v1.Container");
    const limits = containers?.items?.struct?.fields.get("resources")?.struct?.fields.get("limits");
    expect(limits && goTypeOf(limits)).toBe("v1.ResourceList");
  });

  test("tell strategic merge what to do", () => {
    expect(mergeMarks(spec?.struct?.fields.get("volumes"))).toEqual({
      merge: true,
      replace: false,
      retainKeys: true,
      mergeKey: "name",
    });
  });

  test("follow definitions that contain themselves", () => {
    const crd = schemas.schemaOf({
      group: "apiextensions.k8s.io",
      version: "v1",
      kind: "CustomResourceDefinition",
    });
    const versions = crd?.struct?.fields.get("spec")?.struct?.fields.get("versions")?.items;
    const schema = versions?.struct?.fields.get("schema")?.struct?.fields.get("openAPIV3Schema");
    expect(schema?.struct?.fields.get("properties")?.items?.struct).toBe(schema?.struct);
  });

  test("decode DeleteOptions in every group, and no kind that does not exist", () => {
    expect(schemas.schemaOf({ group: "apps", version: "v1", kind: "DeleteOptions" })).toBeDefined();
    expect(schemas.schemaOf({ group: "apps", version: "v1", kind: "Pod" })).toBeUndefined();
  });
});

test("a declaration is read with its comments, optional fields, unions and maps", () => {
  const declaration = readDeclaration(`import { X } from "./x.js";
/**
 * Thing is a thing.
 */
export interface IThing {
    /**
     * Name of it.
     *
     * \\* a star
     */
    "name": string;
    "mode"?: "A" | "B";
    "sizes"?: Array<number>;
    "extra"?: {
        [key: string]: Array<string>;
    };
}
export type { IThing as IIoThing, Thing as IoThing };
`);
  expect(declaration?.description).toBe("Thing is a thing.");
  expect([...(declaration?.properties ?? [])]).toEqual([
    ["name", { type: { type: "string" }, optional: false, description: "Name of it.\n\n* a star" }],
    ["mode", { type: { type: "string", enum: ["A", "B"] }, optional: true, description: "" }],
    ["sizes", { type: { type: "array", items: { type: "number" } }, optional: true, description: "" }],
    [
      "extra",
      {
        type: { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
        optional: true,
        description: "",
      },
    ],
  ]);
});
