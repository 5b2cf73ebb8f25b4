import { agnhost } from "./agnhost.js";
import { alpine, busybox } from "./busybox.js";
import { connections } from "./connections.js";
import { corednsImage } from "./coredns/coredns.js";
import { curlImage, toolbox } from "./curl.js";
import { echoServer } from "./echo-server.js";
import { helloApp } from "./hello-app.js";
import { httpEcho } from "./http-echo.js";
import { httpd } from "./httpd.js";
import type { Image } from "./image.js";
import { ingressNginx } from "./ingress-nginx/ingress-nginx.js";
import { load } from "./load.js";
import { nginx } from "./nginx.js";
import { pause } from "./pause.js";
import { python } from "./python.js";
import { redis } from "./redis.js";
import { whoami } from "./whoami.js";

/** Every image that this cluster's registry has. */
export const images: readonly Image[] = [
  nginx,
  busybox,
  alpine,
  agnhost,
  httpEcho,
  whoami,
  pause,
  corednsImage(),
  curlImage,
  httpd,
  helloApp,
  echoServer,
  python,
  redis,
  toolbox,
  load,
  connections,
  ingressNginx,
];
