// What the Node clients share: a task a line comes in as JSON, and what the client made of it goes out the same way.
// The outcome has two parts: `answer`, in which all clients agree, and `object`, the client's own result as fully as it can be shown.
import readline from "node:readline";

export const WEATHER = (city) => `24 °C in ${city}`;
export const TEXTS = ["one"];
export const CITY = {
  type: "object",
  properties: { city: { type: "string" }, population: { type: "integer" } },
  required: ["city", "population"],
  additionalProperties: false,
};
export const CITY_ARGUMENT = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

/** Answers until the input ends. `toError` says what the client tells of an error that is its own, and nothing of any other. */
export async function serve(scenarios, toError) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const task = JSON.parse(line);
    let outcome;
    try {
      outcome = await scenarios[task.scenario](task);
    } catch (raised) {
      const error = toError(raised);
      outcome = error ? { answer: { error }, object: null } : { crash: raised?.stack ?? String(raised) };
    }
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
  }
}
