// `@copilotkit/aimock` with the answers of aimock.json. Prints its address, and ends when its standard input does.
import { fileURLToPath } from "node:url";
import { LLMock } from "@copilotkit/aimock";

const mock = new LLMock({ port: 0, host: "127.0.0.1", strict: true, logLevel: "warn" });
mock.loadFixtureFile(fileURLToPath(new URL("aimock.json", import.meta.url)));
await mock.start();
console.log(mock.url);
process.stdin.resume().once("end", () => process.exit(0));
