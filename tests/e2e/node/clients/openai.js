// The official `openai` package for Node.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { CITY_ARGUMENT, serve, TEXTS, WEATHER } from "./serve.js";

const TOOL = {
  type: "function",
  function: { name: "get_weather", description: "The weather in a city.", parameters: CITY_ARGUMENT },
};

const client = (task) =>
  new OpenAI({ baseURL: task.base_url, apiKey: task.api_key, defaultHeaders: task.headers, maxRetries: 0, timeout: 60_000 });
const options = (task) => ({ model: task.model, temperature: 0, max_tokens: task.max_tokens });
const user = (content) => ({ role: "user", content });

async function ask(task, content) {
  const answer = await client(task).chat.completions.create({ ...options(task), messages: [user(content)] });
  return { answer: { text: answer.choices[0].message.content }, object: answer };
}

const chat = (task) => ask(task, task.question);

const vision = (task) =>
  ask(task, [
    { type: "text", text: task.question },
    { type: "image_url", image_url: { url: task.image } },
  ]);

async function stream(task) {
  const chunks = [];
  const request = { ...options(task), messages: [user(task.question)], stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await client(task).chat.completions.create(request)) chunks.push(chunk);
  const text = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta.content ?? "")).join("");
  return { answer: { text }, object: chunks };
}

async function tools(task) {
  const sdk = client(task);
  const messages = [user(task.question)];
  const first = await sdk.chat.completions.create({ ...options(task), messages, tools: [TOOL] });
  const { message } = first.choices[0];
  const calls = message.tool_calls.map((call) => ({ name: call.function.name, arguments: JSON.parse(call.function.arguments) }));
  const results = message.tool_calls.map((call, index) => ({
    role: "tool",
    tool_call_id: call.id,
    content: WEATHER(calls[index].arguments.city),
  }));
  const second = await sdk.chat.completions.create({ ...options(task), messages: [...messages, message, ...results], tools: [TOOL] });
  return { answer: { calls, text: second.choices[0].message.content }, object: [first, second] };
}

async function structured(task) {
  const city = z.object({ city: z.string(), population: z.number().int() });
  const request = { ...options(task), messages: [user(task.question)], response_format: zodResponseFormat(city, "City") };
  const answer = await client(task).chat.completions.parse(request);
  return { answer: { value: answer.choices[0].message.parsed }, object: answer };
}

async function embeddings(task) {
  const answer = await client(task).embeddings.create({ model: task.model, input: TEXTS, encoding_format: "float" });
  return { answer: { vectors: answer.data.map((item) => item.embedding) }, object: answer };
}

async function models(task) {
  const listed = [];
  for await (const model of client(task).models.list()) listed.push(model);
  return { answer: { ids: listed.map((model) => model.id) }, object: listed };
}

await serve({ chat, refused: chat, limited: chat, down: chat, stream, tools, structured, vision, embeddings, models }, (raised) =>
  raised instanceof OpenAI.APIError
    ? {
        class: raised.constructor.name,
        status: raised.status,
        code: raised.code,
        message: raised.error?.message,
        retry_after: raised.headers?.get("retry-after") ?? null,
      }
    : undefined,
);
