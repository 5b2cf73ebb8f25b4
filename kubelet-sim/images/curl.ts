import { debianPrograms, shellPrograms } from "../shell/programs.js";
import type { Image } from "./image.js";
import type { Process } from "./process.js";

export const curlImage: Image = {
  repositories: [
    "docker.io/curlimages/curl",
    "quay.io/curl/curl",
    "docker.io/radial/busyboxplus",
    "docker.io/yauritux/busybox-curl",
  ],
  sizeBytes: 9_400_000,
  entrypoint: ["/entrypoint.sh"],
  cmd: ["curl"],
  env: () => ({ CURL_CA_BUNDLE: "/cacert.pem" }),
  programs: { ...shellPrograms, "/entrypoint.sh": entrypoint },
};

/** Arguments that name no program are curl's. */
async function entrypoint(process: Process): Promise<number> {
  const [, ...argv] = process.argv;
  const first = argv[0] ?? "";
  const isProgram =
    ["curl", "sh", "/bin/sh"].includes(first) || process.files.stat(`/bin/${first}`) !== undefined;
  return process.exec(isProgram ? argv : ["curl", ...argv]);
}

/** Images that people take for their tools: a shell and all the tools there are. */
export const toolbox: Image = {
  repositories: [
    "docker.io/nicolaka/netshoot",
    "docker.io/wbitt/network-multitool",
    "docker.io/praqma/network-multitool",
    "docker.io/tutum/dnsutils",
    "docker.io/infoblox/dnstools",
    "registry.k8s.io/e2e-test-images/jessie-dnsutils",
    "gcr.io/kubernetes-e2e-test-images/dnsutils",
    "docker.io/library/bash",
    "docker.io/library/debian",
    "docker.io/library/ubuntu",
  ],
  sizeBytes: 29_700_000,
  entrypoint: [],
  cmd: ["/bin/bash"],
  programs: debianPrograms,
};
