import { expect, test } from "@jest/globals";
import { formatHostPorts, type HostPortMapping, parseHostPorts } from "./host-ports.js";

const mapping = (hostPort: number, pod = "default/web"): HostPortMapping => ({
  pod,
  protocol: "TCP",
  hostIP: "",
  hostPort,
  podIPs: ["10.244.0.5", "fd00:10:244::5"],
  podPort: 80,
});

test("host ports come back from the Node's annotation, in one order", () => {
  const mappings = [mapping(8080), mapping(443)];
  expect(parseHostPorts(formatHostPorts(mappings))).toEqual([mapping(443), mapping(8080)]);
  expect(formatHostPorts(mappings)).toBe(formatHostPorts([...mappings].reverse()));
});

test("an annotation that somebody else wrote is no host port", () => {
  for (const text of [undefined, "", "nonsense", "{}", '[{"hostPort":80}]', "[null,1]"])
    expect(parseHostPorts(text)).toEqual([]);
  const bad = { ...mapping(80), hostPort: 70_000 };
  expect(parseHostPorts(JSON.stringify([bad, mapping(81)]))).toEqual([mapping(81)]);
});
