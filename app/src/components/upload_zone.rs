//! Adding a version: the button, the drop zone over the whole page, and how far the upload is.

use leptos::{ev, prelude::*};

use crate::{
    browser,
    components::{
        icon::{Icon, Shape},
        problems::ProblemList,
        prose::prose,
    },
    format,
    upload::{Upload, UploadState},
};

/// The button with its hidden file picker. A label of the input, so that it works by keyboard as the input itself does.
#[component]
pub fn AddVersionButton(upload: Upload) -> impl IntoView {
    let busy = move || upload.state.with(UploadState::under_way);
    view! {
        <div class="file-button">
            <input
                id="add-version"
                class="file-button__input"
                type="file"
                accept=".krt"
                disabled=busy
                on:change=move |event| upload.take(browser::picked_files(&event))
            />
            <label for="add-version" class="button button--primary"><Icon shape=Shape::Plus/>"Add version"</label>
        </div>
    }
    .into_any()
}

/// Takes files dropped anywhere on the page; shows that it does while files are dragged over it.
#[component]
pub fn DropZone(upload: Upload) -> impl IntoView {
    // Entering a child fires before leaving its parent, so the depth tells when the pointer has left the page.
    let depth = RwSignal::new(0i32);
    Effect::new(move |_| {
        let enter = window_event_listener(ev::dragenter, move |event| {
            if browser::drags_files(&event) {
                event.prevent_default();
                depth.update(|depth| *depth += 1);
            }
        });
        let over = window_event_listener(ev::dragover, move |event| {
            if browser::drags_files(&event) {
                event.prevent_default();
            }
        });
        let leave = window_event_listener(ev::dragleave, move |event| {
            if browser::drags_files(&event) {
                depth.update(|depth| *depth = (*depth - 1).max(0));
            }
        });
        let drop = window_event_listener(ev::drop, move |event| {
            if browser::drags_files(&event) {
                event.prevent_default();
                depth.set(0);
                upload.take(browser::dragged_files(&event));
            }
        });
        on_cleanup(move || {
            enter.remove();
            over.remove();
            leave.remove();
            drop.remove();
        });
    });
    view! {
        <div class="drop-zone" class:drop-zone--shown=move || { depth.get() > 0 } aria-hidden="true">
            <div class="drop-zone__text">
                <Icon shape=Shape::Upload/>
                {move || match upload.state.with(UploadState::under_way) {
                    true => "Wait until the file before has been added",
                    false => "Drop the .krt file to add it as a version",
                }}
            </div>
        </div>
    }
    .into_any()
}

/// How far the upload is, and how it ended. `href` leads to the version that was added.
#[component]
pub fn UploadProgress(upload: Upload, runtime_href: String) -> impl IntoView {
    let runtime_href = StoredValue::new(runtime_href);
    // Bytes change often; the parts that do not depend on them stay as they are.
    let sent = Memo::new(move |_| match upload.state.get() {
        UploadState::Sending { size_bytes, sent_bytes, .. } => Some((sent_bytes, size_bytes)),
        _ => None,
    });
    let phase = Memo::new(move |_| match upload.state.get() {
        UploadState::Sending { file, size_bytes, .. } => UploadState::Sending { file, size_bytes, sent_bytes: 0 },
        other => other,
    });
    let view = move || {
        match phase.get() {
        UploadState::Idle => None,
        UploadState::Sending { file, size_bytes, .. } => Some(sending(upload, file, size_bytes, sent).into_any()),
        UploadState::Checking { file } => Some(
            view! {
                <div class="upload">
                    <p><strong>{file}</strong>" has arrived. Checking…"</p>
                    <progress class="progress" aria-label="Checking"></progress>
                </div>
            }
            .into_any(),
        ),
        UploadState::Refused { file, message, problems } => Some(
            view! {
                <div class="upload" data-tone="bad">
                    <p class="upload__title"><Icon shape=Shape::Cross/><span><strong>{file}</strong>" was not added"</span></p>
                    <p>{prose(&message)}</p>
                    {(!problems.is_empty()).then(|| view! { <ProblemList problems/> })}
                    {dismiss_button(upload)}
                </div>
            }
            .into_any(),
        ),
        UploadState::Added { version } => Some(
            view! {
                <div class="upload" data-tone="good">
                    <p class="upload__title">
                        <Icon shape=Shape::Check/>
                        <span>
                            <a href=format!("{}/versions/{version}", runtime_href.get_value())>
                                <strong>{version.to_string()}</strong>
                            </a>
                            " was added. Open it to configure and start it."
                        </span>
                    </p>
                    {dismiss_button(upload)}
                </div>
            }
            .into_any(),
        ),
    }
    };
    view! { <div class="upload-area" role="status" aria-label="Upload">{view}</div> }.into_any()
}

fn sending(upload: Upload, file: String, size_bytes: u64, sent: Memo<Option<(u64, u64)>>) -> impl IntoView {
    let of = move || sent.get().unwrap_or((0, size_bytes));
    // Progress is quantities, so a float is what the element wants; files are far below its 53 bits.
    view! {
        <div class="upload">
            <p>"Sending "<strong>{file}</strong></p>
            <progress
                class="progress"
                aria-label="Sent"
                max=size_bytes.to_string()
                value=move || of().0.to_string()
            ></progress>
            <p class="upload__numbers" aria-hidden="true">
                {move || format!("{} of {}", format::size(of().0), format::size(of().1))}
            </p>
            <button type="button" class="button" on:click=move |_| upload.cancel()>"Cancel"</button>
        </div>
    }
    .into_any()
}

fn dismiss_button(upload: Upload) -> impl IntoView {
    view! { <button type="button" class="button" on:click=move |_| upload.dismiss()>"Dismiss"</button> }.into_any()
}
