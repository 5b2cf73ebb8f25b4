import { expect, test } from "@jest/globals";
import type { Service } from "../../machinery/api/core-v1.js";
import { serviceEnv } from "./service-env.js";

const aService = (clusterIPs: string[]): Service =>
  ({
    metadata: { name: "my-web", namespace: "default" },
    spec: {
      clusterIP: clusterIPs[0],
      clusterIPs,
      ports: [{ name: "http", port: 80, protocol: "TCP" }],
    },
  }) as unknown as Service;

test.each([
  [["10.96.0.9", "fd00:10:96::9"], "10.96.0.9", "tcp://10.96.0.9:80"],
  [["fd00:10:96::9", "10.96.0.9"], "fd00:10:96::9", "tcp://[fd00:10:96::9]:80"],
])("of a Service with addresses %j a pod is told the first", (clusterIPs, host, url) => {
  expect(Object.fromEntries(serviceEnv([aService(clusterIPs)]))).toEqual({
    MY_WEB_SERVICE_HOST: host,
    MY_WEB_SERVICE_PORT: "80",
    MY_WEB_SERVICE_PORT_HTTP: "80",
    MY_WEB_PORT: url,
    MY_WEB_PORT_80_TCP: url,
    MY_WEB_PORT_80_TCP_PROTO: "tcp",
    MY_WEB_PORT_80_TCP_PORT: "80",
    MY_WEB_PORT_80_TCP_ADDR: host,
  });
});
