//! Where the pages are cut: each function here, with all that only it needs, is in a file of its own, of its name.

use app::{
    browser::LoadingMark,
    components::{
        acting::{ActingDialog, ActingDialogProps},
        log_drawer::{LogDrawer, LogDrawerProps},
        palette::{Palette, PaletteProps},
        upload_zone::review::{Review, ReviewProps},
    },
    pages::{
        activity::ActivityPage,
        runtime::RuntimePage,
        runtimes::create::form::{CreateForm, CreateFormProps},
        version::{
            VersionPage, compare::CompareScreen, configuration::ConfigurationScreen,
            documentation::DocumentationScreen, history::HistoryScreen, manifest::ManifestScreen, status::StatusScreen,
        },
    },
    parts::{Loading, NotLoaded, Parts, Screen},
};
use leptos::prelude::{AnyView, IntoAny};
use send_wrapper::SendWrapper;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

/// What [`app`] gets at the parts by.
pub(crate) const PARTS: Parts = Parts { screen, fetch, palette, acting_dialog, log_drawer, review, create_form };

type Part = Result<AnyView, SplitLoaderError>;

#[wasm_split(runtime, fallible, preload(fetch_runtime))]
fn runtime(_: Screen) -> Part {
    Ok(RuntimePage().into_any())
}

#[wasm_split(version, fallible, preload(fetch_version))]
fn version(screen: Screen) -> Part {
    Ok(match screen {
        Screen::Status => StatusScreen().into_any(),
        _ => VersionPage().into_any(),
    })
}

#[wasm_split(screens, fallible, preload(fetch_screens))]
fn screens(screen: Screen) -> Part {
    Ok(match screen {
        Screen::Activity => ActivityPage().into_any(),
        Screen::Documentation => DocumentationScreen().into_any(),
        Screen::Manifest => ManifestScreen().into_any(),
        Screen::Compare => CompareScreen().into_any(),
        Screen::Configuration => ConfigurationScreen().into_any(),
        _ => HistoryScreen().into_any(),
    })
}

#[wasm_split(dialogs, fallible)]
fn palette_part(props: PaletteProps) -> Part {
    Ok(Palette(props).into_any())
}

#[wasm_split(dialogs, fallible)]
fn acting_dialog_part(props: ActingDialogProps) -> Part {
    Ok(ActingDialog(props).into_any())
}

#[wasm_split(dialogs, fallible)]
fn log_drawer_part(props: LogDrawerProps) -> Part {
    Ok(LogDrawer(props).into_any())
}

#[wasm_split(dialogs, fallible)]
fn review_part(props: ReviewProps) -> Part {
    Ok(Review(props).into_any())
}

#[wasm_split(dialogs, fallible)]
fn create_form_part(props: CreateFormProps) -> Part {
    Ok(CreateForm(props).into_any())
}

fn palette(props: PaletteProps) -> Loading<AnyView> {
    loading(palette_part(props))
}

fn acting_dialog(props: ActingDialogProps) -> Loading<AnyView> {
    loading(acting_dialog_part(props))
}

fn log_drawer(props: LogDrawerProps) -> Loading<AnyView> {
    loading(log_drawer_part(props))
}

fn review(props: ReviewProps) -> Loading<AnyView> {
    loading(review_part(props))
}

fn create_form(props: CreateFormProps) -> Loading<AnyView> {
    loading(create_form_part(props))
}

fn screen(screen: Screen) -> Loading<AnyView> {
    loading(async move {
        match screen {
            Screen::Runtime => runtime(screen).await,
            Screen::Version | Screen::Status => version(screen).await,
            _ => screens(screen).await,
        }
    })
}

fn fetch(screen: Screen) -> Loading<()> {
    loading(async move {
        match screen {
            Screen::Runtime => fetch_runtime().await,
            Screen::Version | Screen::Status => fetch_version().await,
            _ => fetch_screens().await,
        }
    })
}

fn loading<T: 'static>(part: impl Future<Output = Result<T, SplitLoaderError>> + 'static) -> Loading<T> {
    // The browser's one thread is where all of this stays.
    Box::pin(SendWrapper::new(async move {
        let _mark = LoadingMark::show();
        part.await.map_err(|_| NotLoaded)
    }))
}
