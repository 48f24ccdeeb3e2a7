//! `async-openai` as one of the clients of the end-to-end tests. Reads a task a line, and prints what the client made of it.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, BufRead, Write};

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{ChatCompletionMessageToolCalls, CreateChatCompletionRequest};
use async_openai::types::embeddings::CreateEmbeddingRequest;
use futures::StreamExt;
use http::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};

type Failure = Box<dyn Error>;

#[derive(Deserialize)]
struct Task {
    scenario: String,
    base_url: String,
    api_key: String,
    headers: HashMap<String, String>,
    model: String,
    question: String,
    image: String,
    max_tokens: u32,
}

impl Task {
    fn client(&self) -> Result<Client<OpenAIConfig>, Failure> {
        let mut config = OpenAIConfig::new()
            .with_api_base(&self.base_url)
            .with_api_key(&self.api_key);
        for (name, value) in &self.headers {
            config = config.with_header(name.parse::<HeaderName>()?, value.clone())?;
        }
        Ok(Client::with_config(config))
    }

    /// A typed request; `more` holds the fields that only some scenarios set.
    fn request(&self, messages: &Value, more: Value) -> Result<CreateChatCompletionRequest, Failure> {
        let mut body =
            json!({"model": self.model, "messages": messages, "temperature": 0.0, "max_tokens": self.max_tokens});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        Ok(serde_json::from_value(body)?)
    }

    async fn run(&self) -> Result<Value, Failure> {
        let client = self.client()?;
        match self.scenario.as_str() {
            "chat" | "refused" | "limited" | "down" => self.chat(&client, json!(self.question)).await,
            "vision" => {
                let text = json!({"type": "text", "text": self.question});
                let image = json!({"type": "image_url", "image_url": {"url": self.image}});
                self.chat(&client, json!([text, image])).await
            }
            "stream" => self.stream(&client).await,
            "tools" => self.tools(&client).await,
            "structured" => self.structured(&client).await,
            "embeddings" => self.embeddings(&client).await,
            "models" => {
                let list = client.models().list().await?;
                let ids: Vec<&str> = list.data.iter().map(|model| model.id.as_str()).collect();
                Ok(json!({"answer": {"ids": ids}, "object": list}))
            }
            other => Err(format!("no such scenario: {other}").into()),
        }
    }

    async fn chat(&self, client: &Client<OpenAIConfig>, content: Value) -> Result<Value, Failure> {
        let request = self.request(&json!([{"role": "user", "content": content}]), json!({}))?;
        let completion = client.chat().create(request).await?;
        let text = completion
            .choices
            .first()
            .and_then(|choice| choice.message.content.clone());
        Ok(json!({"answer": {"text": text}, "object": completion}))
    }

    async fn stream(&self, client: &Client<OpenAIConfig>) -> Result<Value, Failure> {
        let messages = json!([{"role": "user", "content": self.question}]);
        let request = self.request(&messages, json!({"stream_options": {"include_usage": true}}))?;
        let mut stream = client.chat().create_stream(request).await?;
        let mut chunks = Vec::new();
        while let Some(chunk) = stream.next().await {
            chunks.push(chunk?);
        }
        let choices = chunks.iter().flat_map(|chunk| &chunk.choices);
        let text: String = choices.filter_map(|choice| choice.delta.content.as_deref()).collect();
        Ok(json!({"answer": {"text": text}, "object": chunks}))
    }

    async fn tools(&self, client: &Client<OpenAIConfig>) -> Result<Value, Failure> {
        let tools = json!({"tools": [{"type": "function", "function": {
            "name": "get_weather",
            "description": "The weather in a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        }}]});
        let mut messages = vec![json!({"role": "user", "content": self.question})];
        let first = client
            .chat()
            .create(self.request(&json!(messages), tools.clone())?)
            .await?;
        let message = &first.choices.first().ok_or("no choice")?.message;
        let mut calls = Vec::new();
        messages.push(json!({"role": "assistant", "tool_calls": message.tool_calls}));
        for call in message.tool_calls.iter().flatten() {
            let ChatCompletionMessageToolCalls::Function(call) = call else {
                return Err("not a call of a function".into());
            };
            let arguments: Value = serde_json::from_str(&call.function.arguments)?;
            let result = format!("24 °C in {}", arguments["city"].as_str().unwrap_or_default());
            messages.push(json!({"role": "tool", "tool_call_id": call.id, "content": result}));
            calls.push(json!({"name": call.function.name, "arguments": arguments}));
        }
        let second = client.chat().create(self.request(&json!(messages), tools)?).await?;
        let text = second.choices.first().and_then(|choice| choice.message.content.clone());
        Ok(json!({"answer": {"calls": calls, "text": text}, "object": [first, second]}))
    }

    async fn structured(&self, client: &Client<OpenAIConfig>) -> Result<Value, Failure> {
        let format = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "City", "strict": true, "schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
            "required": ["city", "population"],
            "additionalProperties": false,
        }}}});
        let messages = json!([{"role": "user", "content": self.question}]);
        let completion = client.chat().create(self.request(&messages, format)?).await?;
        let content = completion
            .choices
            .first()
            .and_then(|choice| choice.message.content.as_deref());
        let value: Value = serde_json::from_str(content.ok_or("no content")?)?;
        Ok(json!({"answer": {"value": value}, "object": completion}))
    }

    async fn embeddings(&self, client: &Client<OpenAIConfig>) -> Result<Value, Failure> {
        let body = json!({"model": self.model, "input": ["one"], "encoding_format": "float"});
        let request: CreateEmbeddingRequest = serde_json::from_value(body)?;
        let list = client.embeddings().create(request).await?;
        let vectors: Vec<&[f32]> = list.data.iter().map(|item| item.embedding.as_slice()).collect();
        Ok(json!({"answer": {"vectors": vectors}, "object": list}))
    }
}

/// An error of the client as it presents itself; anything else is a fault of this program.
fn outcome(result: Result<Value, Failure>) -> Value {
    let error = match result {
        Ok(value) => return value,
        Err(error) => error,
    };
    match error.downcast_ref::<OpenAIError>() {
        Some(OpenAIError::ApiError(response)) => {
            let error = json!({
                "class": "ApiError",
                "status": response.status_code.as_u16(),
                "code": response.api_error.code,
                "message": response.api_error.message,
                "retry_after": null,
            });
            json!({"answer": {"error": error}, "object": response.api_error})
        }
        _ => json!({"crash": format!("{error}: {error:?}")}),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    for line in io::stdin().lock().lines() {
        let result = match serde_json::from_str::<Task>(&line?) {
            Ok(task) => task.run().await,
            Err(error) => Err(error.into()),
        };
        let mut output = io::stdout().lock();
        writeln!(output, "{}", outcome(result))?;
        output.flush()?;
    }
    Ok(())
}
