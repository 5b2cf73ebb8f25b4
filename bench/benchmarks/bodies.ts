/** The objects that load generators send. `{n}` in a name becomes a number. */

export const configMapJson = (name: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default", labels: { app: "bench" } },
    data: { "settings.conf": "listen 80; keepalive 30; ".repeat(30) },
  });

export const podJson = (name: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels: { app: "bench", tier: "web" } },
    spec: {
      containers: [
        {
          name: "web",
          image: "nginx:1.27",
          ports: [{ containerPort: 80 }],
          resources: { requests: { cpu: "10m", memory: "16Mi" } },
          readinessProbe: { httpGet: { path: "/", port: 80 } },
        },
      ],
    },
  });
