// A step of the build: puts the models of the built-in kinds beside the compiled program.
import { writeBeside } from "./model-file.js";

writeBeside();
