// Vercel's `ai` with `@ai-sdk/openai-compatible`.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embedMany, generateText, isStepCount, jsonSchema, Output, streamText, tool } from "ai";
import { CITY, CITY_ARGUMENT, serve, TEXTS, WEATHER } from "./serve.js";

const provider = (task) =>
  createOpenAICompatible({
    name: "scripted",
    baseURL: task.base_url,
    apiKey: task.api_key,
    headers: task.headers,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
const options = (task) => ({ model: provider(task)(task.model), temperature: 0, maxOutputTokens: task.max_tokens, maxRetries: 0 });

/** A step without what differs between any two requests: times, headers, and ids that the SDK makes up. */
const shown = ({ content, text, finishReason, rawFinishReason, usage, warnings, response }) => ({
  content,
  text,
  finishReason,
  rawFinishReason,
  usage,
  warnings,
  model: response.modelId,
  id: response.id,
  body: response.body,
});

async function generate(task, more) {
  const result = await generateText({ ...options(task), ...more });
  return { result, object: result.steps.map(shown) };
}

async function chat(task) {
  const { result, object } = await generate(task, { prompt: task.question });
  return { answer: { text: result.text }, object };
}

async function vision(task) {
  const content = [
    { type: "text", text: task.question },
    { type: "image", image: task.image },
  ];
  const { result, object } = await generate(task, { messages: [{ role: "user", content }] });
  return { answer: { text: result.text }, object };
}

async function stream(task) {
  let failure;
  const result = streamText({ ...options(task), prompt: task.question, onError: ({ error }) => (failure = error) });
  const parts = [];
  for await (const part of result.textStream) parts.push(part);
  if (failure) throw failure;
  return { answer: { text: parts.join("") }, object: { parts, usage: await result.usage, finishReason: await result.finishReason } };
}

async function tools(task) {
  const get_weather = tool({
    description: "The weather in a city.",
    inputSchema: jsonSchema(CITY_ARGUMENT),
    execute: ({ city }) => WEATHER(city),
  });
  const { result, object } = await generate(task, { prompt: task.question, tools: { get_weather }, stopWhen: isStepCount(2) });
  const calls = result.steps.flatMap((step) => step.toolCalls).map((call) => ({ name: call.toolName, arguments: call.input }));
  return { answer: { calls, text: result.text }, object };
}

async function structured(task) {
  const { result, object } = await generate(task, { prompt: task.question, output: Output.object({ schema: jsonSchema(CITY), name: "City" }) });
  return { answer: { value: result.output }, object };
}

async function embeddings(task) {
  const result = await embedMany({ model: provider(task).embeddingModel(task.model), values: TEXTS, maxRetries: 0 });
  return { answer: { vectors: result.embeddings }, object: { embeddings: result.embeddings, usage: result.usage } };
}

await serve({ chat, refused: chat, limited: chat, down: chat, stream, tools, structured, vision, embeddings }, (raised) =>
  APICallError.isInstance(raised)
    ? {
        class: raised.name,
        status: raised.statusCode,
        code: raised.data?.error?.code ?? null,
        message: raised.message,
        retry_after: raised.responseHeaders?.["retry-after"] ?? null,
      }
    : undefined,
);
