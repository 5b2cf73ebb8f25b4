import { busyboxPrograms } from "../shell/programs.js";
import type { Image } from "./image.js";

export const busybox: Image = {
  repositories: [
    "docker.io/library/busybox",
    "registry.k8s.io/e2e-test-images/busybox",
    "gcr.io/google-containers/busybox",
    "k8s.gcr.io/busybox",
    "registry.k8s.io/busybox",
    "quay.io/prometheus/busybox",
    "mirror.gcr.io/library/busybox",
    "public.ecr.aws/docker/library/busybox",
  ],
  sizeBytes: 2_156_518,
  entrypoint: [],
  cmd: ["sh"],
  programs: busyboxPrograms,
};

export const alpine: Image = {
  repositories: [
    "docker.io/library/alpine",
    "mirror.gcr.io/library/alpine",
    "public.ecr.aws/docker/library/alpine",
  ],
  sizeBytes: 3_637_186,
  entrypoint: [],
  cmd: ["/bin/sh"],
  programs: busyboxPrograms,
  files: {
    "/etc/alpine-release": "3.22.0\n",
    "/etc/os-release":
      'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.0\nPRETTY_NAME="Alpine Linux v3.22"\n',
  },
};
