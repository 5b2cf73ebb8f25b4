import type { PodTemplateSpec } from "../../../machinery/api/core-v1.js";

export const namesOf = ({ spec }: PodTemplateSpec): string =>
  spec.containers.map((container) => container.name).join(",");
export const imagesOf = ({ spec }: PodTemplateSpec): string =>
  spec.containers.map((container) => container.image).join(",");
