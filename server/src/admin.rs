//! What the program does about administrators instead of serving: also while a server runs on the same database, which sees it
//! within half a minute.

use domain::PersonName;

use crate::{
    accounts::Accounts,
    config::{AdminTask, Settings},
    store::{self, StoreError},
};

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("KAI_DATABASE_URL: cannot open the database")]
    Store(#[from] StoreError),
    #[error("cannot hash passwords: {0}")]
    Passwords(argon2::password_hash::Error),
    #[error(transparent)]
    Refused(#[from] domain::ApiError),
    #[error("there is nobody named `{0}`; use `kai-server admin create`")]
    Nobody(PersonName),
}

/// Does it. Answers the link with which the administrator chooses a password.
///
/// # Errors
/// When the database cannot be used, or somebody has the name or nobody has it.
pub async fn run(settings: &Settings, task: AdminTask) -> Result<String, AdminError> {
    let store = store::open(settings.database_url.expose()).await?;
    let base_url = settings.logins.public_url(settings.addr).to_string();
    let accounts = Accounts::new(store.clone(), settings.logins.sessions, base_url).map_err(AdminError::Passwords)?;
    match task {
        AdminTask::Create { name } => Ok(accounts.administrator(&name, false).await?),
        AdminTask::Reset { name } if store.person_named(&name).await?.is_none() => Err(AdminError::Nobody(name)),
        AdminTask::Reset { name } => Ok(accounts.administrator(&name, true).await?),
    }
}
