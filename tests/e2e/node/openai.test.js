// The official Node SDK through maia: answers, streams, errors, memory.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import OpenAI from "openai";
import { breaks, eventually, fails, says, startBackend, startMaia, startModel, streams } from "./support.js";

const TIMEOUT = { timeout: 120_000 };
const PIECES = ["The capital", " of France", " is", " Paris 🥖", ".", "\n", "Ünïcödé"];
const ASK = [{ role: "user", content: "What is the capital of France?" }];
const SETTINGS = [{ role: "user", content: "What settings should I configure?" }];

/** A client with a namespace of its own, and what tests do to that namespace by REST. */
function connect(maia) {
  const namespace = `user-${randomUUID()}`;
  const path = `${maia.url}/v1/namespaces/${namespace}/memories`;
  const sdk = new OpenAI({
    baseURL: `${maia.url}/proxy/v1`,
    apiKey: "sk-of-the-client",
    maxRetries: 0,
    defaultHeaders: { "X-MAIA-Namespace": namespace },
  });
  const post = async (url, body) => {
    const response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    assert.ok(response.ok, `${url}: ${response.status} ${await response.clone().text()}`);
    return response.json();
  };
  return {
    sdk,
    create: () => post(`${maia.url}/v1/namespaces`, { name: namespace }),
    remember: (content) => post(path, { content }),
    contents: async () => {
      const response = await fetch(path);
      return response.ok ? (await response.json()).data.map((memory) => memory.content) : [];
    },
  };
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const text = (chunks) => chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta.content ?? "")).join("");

describe("with a scripted backend", TIMEOUT, () => {
  let backend, maia;
  before(async () => {
    backend = await startBackend();
    maia = await startMaia(backend.url);
  });
  after(async () => {
    const code = await maia?.stop();
    await backend?.stop();
    assert.equal(code, 0, "maia ends in order");
  });

  test("an answer arrives whole", async () => {
    const model = randomUUID();
    backend.on(model, says("Paris."));
    const answer = await connect(maia).sdk.chat.completions.create({ model, messages: ASK });
    assert.equal(answer.choices[0].message.content, "Paris.");
    assert.equal(answer.usage.total_tokens, 12);
    assert.deepEqual(backend.last(model).body, { model, messages: ASK });
    assert.equal(backend.last(model).headers.authorization, "Bearer sk-of-the-client");
  });

  test("a stream is complete", async () => {
    const model = randomUUID();
    backend.on(model, streams(PIECES));
    const chunks = await collect(await connect(maia).sdk.chat.completions.create({ model, messages: ASK, stream: true }));
    assert.deepEqual(
      chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta.content)),
      ["", ...PIECES, undefined],
    );
    assert.equal(chunks.at(-2).choices[0].finish_reason, "stop");
    assert.equal(chunks.at(-1).usage.total_tokens, 12);
    assert.deepEqual(backend.last(model).body, { model, messages: ASK, stream: true });
  });

  test("the streaming helper puts the answer together", async () => {
    const model = randomUUID();
    backend.on(model, streams(PIECES));
    const completion = await connect(maia).sdk.chat.completions.stream({ model, messages: ASK }).finalChatCompletion();
    assert.equal(completion.choices[0].message.content, PIECES.join(""));
  });

  test("a memory arrives in the prompt of a stream", async () => {
    const model = randomUUID();
    const user = connect(maia);
    await user.create();
    await user.remember("User prefers dark mode");
    backend.on(model, streams(["Fine."]));
    const { data, response } = await user.sdk.chat.completions.create({ model, messages: SETTINGS, stream: true }).withResponse();
    assert.equal(text(await collect(data)), "Fine.");
    assert.equal(response.headers.get("x-maia-memories-used"), "1");
    assert.deepEqual(backend.last(model).body.messages, [
      { role: "system", content: "## Relevant Context\n\nUser prefers dark mode" },
      ...SETTINGS,
    ]);
  });

  test("a told fact is remembered after a stream", async () => {
    const model = randomUUID();
    const user = connect(maia);
    backend.on(model, streams(["Good", " to know."]));
    await collect(await user.sdk.chat.completions.create({ model, messages: [{ role: "user", content: "I'm vegetarian." }], stream: true }));
    await eventually(async () => (await user.contents()).includes("User is vegetarian"), "the fact is listed");
  });

  for (const stream of [false, true]) {
    test(`errors are the SDK's own classes (${stream ? "stream" : "whole"})`, async () => {
      const { sdk } = connect(maia);
      const raised = async (model, script) => {
        if (script) backend.on(model, script);
        return sdk.chat.completions.create({ model, messages: ASK, stream }).then(
          () => assert.fail("no error"),
          (error) => error,
        );
      };

      const limited = await raised(randomUUID(), fails(429, { message: "Slow down" }, { "Retry-After": "17" }));
      assert.ok(limited instanceof OpenAI.RateLimitError, String(limited));
      assert.equal(limited.headers.get("retry-after"), "17");
      assert.match(limited.message, /Slow down/);

      const broken = await raised(randomUUID(), breaks(500));
      assert.ok(broken instanceof OpenAI.InternalServerError, String(broken));
      assert.equal(broken.code, "backend_error");
      assert.match(broken.message, /Backend returned error: /);

      const unknown = await raised(randomUUID());
      assert.ok(unknown instanceof OpenAI.NotFoundError, String(unknown));
      assert.equal(unknown.code, "model_not_found");
    });
  }
});

describe("with a real model", TIMEOUT, () => {
  let model, maia;
  before(async () => {
    model = await startModel();
    maia = await startMaia(model.url);
  });
  after(async () => {
    const code = await maia?.stop();
    await model?.stop();
    assert.equal(code, 0, "maia ends in order");
  });

  for (const stream of [false, true]) {
    test(`it answers ${stream ? "as a stream" : "whole"}, and knows the memory`, async () => {
      const user = connect(maia);
      await user.create();
      await user.remember("User's daughter Mara is allergic to peanuts");
      const { data, response } = await user.sdk.chat.completions
        .create({
          model: model.model,
          messages: [{ role: "user", content: "What is my daughter Mara allergic to?" }],
          max_tokens: 24,
          temperature: 0,
          stream,
        })
        .withResponse();
      assert.equal(response.headers.get("x-maia-memories-used"), "1");
      const answer = stream ? text(await collect(data)) : data.choices[0].message.content;
      assert.ok(answer.trim().length > 0);
    });
  }
});
