import type { SandboxConfig } from "../container-runtime.js";
import { FileTree, newFile } from "./file-tree.js";

/** The files that a kubelet manages for all containers of a pod. */
export function newSandboxTree(config: SandboxConfig, ips: readonly string[], nowMs: number): FileTree {
  const tree = new FileTree();
  const put = (path: string, text: string): void => tree.put(path, newFile(Buffer.from(text, "utf8"), nowMs));
  put("/etc/hostname", `${config.hostname}\n`);
  put("/etc/resolv.conf", config.resolvConf);
  put("/etc/hosts", hostsFile(config, ips));
  return tree;
}

// Upstream: pkg/kubelet/kubelet_pods.go managedHostsFileContent.
function hostsFile({ hostAliases, hostname, hostNetwork }: SandboxConfig, ips: readonly string[]): string {
  const lines = [
    hostNetwork ? "# Kubernetes-managed hosts file (host network)." : "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::\tip6-localnet",
    "fe00::\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    ...ips.map((ip) => `${ip}\t${hostname}`),
  ];
  if (hostAliases.length > 0) {
    lines.push("", "# Entries added by HostAliases.");
    for (const alias of hostAliases) lines.push(`${alias.ip}\t${alias.hostnames.join("\t")}`);
  }
  return `${lines.join("\n")}\n`;
}
