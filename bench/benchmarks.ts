import { coldStart } from "./benchmarks/cold-start.js";
import { convergence } from "./benchmarks/convergence.js";
import { creates } from "./benchmarks/creates.js";
import { crowd } from "./benchmarks/crowd.js";
import { dns } from "./benchmarks/dns.js";
import { footprint } from "./benchmarks/footprint.js";
import { ingress } from "./benchmarks/ingress.js";
import { reads } from "./benchmarks/reads.js";
import { routeLookups } from "./benchmarks/route-lookups.js";
import { scaleUp } from "./benchmarks/scale-up.js";
import { serviceTraffic } from "./benchmarks/service-traffic.js";
import { simulation } from "./benchmarks/simulation.js";
import { tables } from "./benchmarks/tables.js";
import { watchFanOut } from "./benchmarks/watch-fan-out.js";
import type { Benchmark } from "./harness/benchmark.js";

/** In the order in which they run. */
export const benchmarks: readonly Benchmark[] = [
  coldStart,
  footprint,
  creates,
  reads,
  watchFanOut,
  scaleUp,
  convergence,
  serviceTraffic,
  ingress,
  dns,
  crowd,
  routeLookups,
  tables,
  simulation,
];
