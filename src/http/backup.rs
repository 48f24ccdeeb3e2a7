//! `GET /v1/backup`: the whole database as one file.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use chrono::Utc;
use tokio::io::AsyncReadExt as _;

use super::error::ApiError;
use super::openapi::bodies::BinaryFile;
use super::page::Params;
use crate::app::AppState;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// Download the database as one file
#[utoipa::path(
    get,
    path = "/v1/backup",
    operation_id = "download_backup",
    tag = "operations",
    responses(
        (status = 200, description = "An SQLite database", body = BinaryFile, content_type = "application/vnd.sqlite3"),
        (status = 409, description = "Another backup is on its way to a client"),
    )
)]
pub(super) async fn backup(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    params.finish()?;
    // A copy takes as much room as the database, for as long as its client takes to read it.
    let place = Arc::clone(&state.downloads)
        .try_acquire_owned()
        .map_err(|_| ApiError::conflict("another backup is on its way to a client; ask again when it has arrived"))?;
    let copy = state.store.snapshot().await?;
    let mut file = tokio::fs::File::from_std(copy.file);
    let body = Body::from_stream(async_stream::stream! {
        let _place = place;
        loop {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            match file.read_buf(&mut chunk).await {
                Ok(0) => break,
                Ok(_) => yield Ok(chunk.freeze()),
                Err(error) => {
                    yield Err(error);
                    break;
                }
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.sqlite3".to_owned()),
        (header::CONTENT_LENGTH, copy.bytes.to_string()),
        (
            header::CONTENT_DISPOSITION,
            Utc::now()
                .format("attachment; filename=\"maia-%Y%m%dT%H%M%SZ.db\"")
                .to_string(),
        ),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, body).into_response())
}
