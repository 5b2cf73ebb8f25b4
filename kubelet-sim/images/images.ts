import { alpine, busybox } from "./busybox.js";
import { coredns } from "./coredns.js";
import type { Image } from "./image.js";
import { load } from "./load.js";
import { nginx } from "./nginx.js";
import { pause } from "./pause.js";

/** Every image that this cluster's registry has. */
export const images: readonly Image[] = [nginx, busybox, alpine, pause, coredns, load];
