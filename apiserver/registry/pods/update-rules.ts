import type { Container, Pod, PodSpec } from "../../../machinery/api/core-v1.js";
import { type FieldError, field, forbidden, invalid, required } from "../../../machinery/api/field-error.js";
import { semanticEqual } from "../semantic-equal.js";
import { validateImageSpacing } from "../validation/containers.js";

const UPDATABLE = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
];
const spec = field("spec");

/** Upstream: ValidatePodUpdate. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const sized = validateContainerCounts(pod, old);
  if (sized.length > 0) return sized;
  const errors = [
    ...validateImages(pod.spec.containers, "containers"),
    ...validateImages(pod.spec.initContainers ?? [], "initContainers"),
    ...validateDeadline(pod.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds),
  ];
  const munged = withUpdatableFieldsOf(old.spec, pod);
  errors.push(...validateTolerationAdditions(pod.spec, old.spec));
  if (!semanticEqual(munged, old.spec))
    errors.push(
      forbidden(
        spec,
        `pod updates may not change fields other than ${UPDATABLE.join(",")}\n${describeChange(old.spec, munged)}`,
      ),
    );
  return errors;
}

function validateContainerCounts(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if (pod.spec.containers.length !== old.spec.containers.length)
    errors.push(forbidden(spec.child("containers"), "pod updates may not add or remove containers"));
  if ((pod.spec.initContainers?.length ?? 0) !== (old.spec.initContainers?.length ?? 0))
    errors.push(forbidden(spec.child("initContainers"), "pod updates may not add or remove containers"));
  return errors;
}

const validateImages = (containers: readonly Container[], list: string): FieldError[] =>
  containers.flatMap((container, i) => {
    const at = spec.child(list).index(i).child("image");
    return container.image ? validateImageSpacing(container.image, at) : [required(at)];
  });

function validateDeadline(seconds: number | undefined, oldSeconds: number | undefined): FieldError[] {
  const at = spec.child("activeDeadlineSeconds");
  if (oldSeconds === undefined) return [];
  if (seconds === undefined)
    return [invalid(at, null, "must not update from a positive integer to nil value")];
  if (seconds < 0) return [invalid(at, seconds, "must be greater than or equal to 0")];
  return seconds > oldSeconds ? [invalid(at, seconds, "must be less than or equal to previous value")] : [];
}

function validateTolerationAdditions(now: PodSpec, before: PodSpec): FieldError[] {
  const kept = (before.tolerations ?? []).every((old) =>
    (now.tolerations ?? []).some((toleration) =>
      semanticEqual(
        { ...toleration, tolerationSeconds: undefined },
        { ...old, tolerationSeconds: undefined },
      ),
    ),
  );
  return kept
    ? []
    : [
        forbidden(
          spec.child("tolerations"),
          "existing toleration can not be modified except its tolerationSeconds",
        ),
      ];
}

/** The new spec with everything that may change set back, so that what still differs may not. */
function withUpdatableFieldsOf(before: PodSpec, pod: Pod): PodSpec {
  const munged: PodSpec = { ...pod.spec };
  munged.containers = withImagesOf(before.containers, pod.spec.containers);
  if (pod.spec.initContainers)
    munged.initContainers = withImagesOf(before.initContainers ?? [], pod.spec.initContainers);
  copyField(munged, before, "activeDeadlineSeconds");
  copyField(munged, before, "tolerations");
  copyField(munged, before, "ephemeralContainers");
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && pod.spec.terminationGracePeriodSeconds === 1)
    copyField(munged, before, "terminationGracePeriodSeconds");
  if (before.schedulingGates?.length) relaxGated(munged, before);
  return munged;
}

/** A gated pod may lose gates and have its placement narrowed. */
function relaxGated(munged: PodSpec, before: PodSpec): void {
  const gates = new Set(before.schedulingGates?.map((gate) => gate.name));
  if (munged.schedulingGates?.every((gate) => gates.has(gate.name)) ?? true)
    copyField(munged, before, "schedulingGates");
  const narrowed = Object.entries(before.nodeSelector ?? {}).every(
    ([key, value]) => munged.nodeSelector?.[key] === value,
  );
  if (narrowed) copyField(munged, before, "nodeSelector");
  copyField(munged, before, "affinity");
}

const withImagesOf = (before: readonly Container[], now: readonly Container[]): Container[] =>
  now.map((container, i) => ({ ...container, image: before[i]?.image ?? "" }));

function copyField<K extends keyof PodSpec>(into: PodSpec, from: PodSpec, key: K): void {
  if (from[key] === undefined) delete into[key];
  else into[key] = from[key];
}

/** Which top-level fields of the spec differ, in the manner of a diff. */
function describeChange(before: PodSpec, now: PodSpec): string {
  const keys = Object.keys({ ...before, ...now }) as (keyof PodSpec)[];
  const changed = keys.filter((key) => !semanticEqual(before[key], now[key]));
  const lines = changed.flatMap((key) => [
    `- \t${key}: ${JSON.stringify(before[key] ?? null)},`,
    `+ \t${key}: ${JSON.stringify(now[key] ?? null)},`,
  ]);
  return [
    "  core.PodSpec{",
    `  \t... // ${keys.length - changed.length} identical fields`,
    ...lines,
    "  }",
    "",
  ].join("\n");
}
