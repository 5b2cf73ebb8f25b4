import { storageSuite } from "../../tests/conformance/storage-suite.js";
import { memoryStorage } from "./memory-storage.js";

storageSuite("memory storage", async () => memoryStorage());
