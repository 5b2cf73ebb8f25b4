import type { Pod } from "../../../machinery/api/core-v1.js";
import {
  type FieldError,
  field,
  forbidden,
  invalid,
  newInvalid,
} from "../../../machinery/api/field-error.js";
import type { HttpResponse } from "../../../machinery/api/http.js";
import { resource } from "../../../machinery/api/resource.js";
import { kubeletRefusal } from "../kubelet-answers.js";
import type { ActionCall, Subresource } from "../serve.js";
import { chooseContainer } from "./container-choice.js";
import { kubeletPath, unreachableKubelet } from "./kubelet-path.js";

const podLogOptions = resource("v1", "PodLogOptions", { plural: "pods/log" });

/** `pods/NAME/log`, read from the pod's kubelet. */
export const podLog: Subresource<Pod> = {
  kind: "action",
  descriptor: podLogOptions,
  verbs: ["get"],
  handle: readLog,
};

async function readLog(call: ActionCall<Pod>): Promise<HttpResponse> {
  const { object: pod, query } = call;
  const errors = validateLogOptions(query);
  if (errors.length > 0) throw newInvalid(podLogOptions, pod.metadata.name, errors);
  const container = chooseContainer(query.get("container") ?? "", pod);
  const { nodeName } = pod.spec;
  if (!nodeName) return { status: 204, headers: {}, body: new Uint8Array() };
  const path = kubeletPath("containerLogs", pod, container, kubeletQuery(query));
  const response = await call.kubelets
    .to(nodeName)
    .request({ method: "GET", path, headers: {} }, call.signal)
    .catch((err: unknown) => {
      throw unreachableKubelet(call, "Get", path, err);
    });
  if (response.status < 200 || response.status > 206)
    throw await kubeletRefusal(response, "pods/log", pod.metadata.name);
  return { status: 200, headers: { "content-type": "text/plain" }, body: response.body };
}

const FLAGS = ["follow", "previous", "timestamps"];
const VALUES = ["sinceSeconds", "sinceTime", "tailLines", "limitBytes", "stream"];

function kubeletQuery(query: URLSearchParams): string {
  const passed = new URLSearchParams();
  for (const name of FLAGS) if (isSet(query.get(name))) passed.set(name, "true");
  for (const name of VALUES) {
    const value = query.get(name);
    if (value !== null && value !== "") passed.set(name, value);
  }
  return passed.toString();
}

/** How apimachinery reads a flag in a query: present and not false. */
const isSet = (value: string | null): boolean => value !== null && value !== "false" && value !== "0";

/** Upstream: ValidatePodLogOptions. */
function validateLogOptions(query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  const atLeast = (name: string, least: number, message: string): void => {
    const value = query.get(name);
    if (value === null || value === "") return;
    if (!(Number(value) >= least)) errors.push(invalid(field(name), Number(value), message));
  };
  atLeast("tailLines", 0, "must be greater than or equal to 0");
  atLeast("limitBytes", 1, "must be greater than 0");
  if (query.get("sinceSeconds") && query.get("sinceTime"))
    errors.push(forbidden(field(""), "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  else atLeast("sinceSeconds", 1, "must be greater than 0");
  return errors;
}
