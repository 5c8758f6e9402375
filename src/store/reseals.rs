use super::{StoreError, Tx};

/// Notes that everything is to move to the master key `fingerprint`. A move to it that was cut short
/// goes on; one to another key is over.
pub async fn begin(tx: &mut Tx, id: &str, fingerprint: &str, by: &str) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update reseals set finished_at = $1 where finished_at is null and fingerprint <> $2"
        )
        .bind(now)
        .bind(fingerprint)
    )?;
    exec!(
        tx,
        sqlx::query(
            "insert into reseals (id, fingerprint, started_at, started_by) select $1, $2, $3, $4 \
             where not exists (select 1 from reseals where finished_at is null)",
        )
        .bind(id)
        .bind(fingerprint)
        .bind(now)
        .bind(by)
    )?;
    Ok(())
}

/// The master key that a move under way goes to.
pub async fn wanted(tx: &mut Tx) -> Result<Option<String>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar("select fingerprint from reseals where finished_at is null order by started_at desc limit 1")
            .fetch_optional(c)
            .await
    })?)
}

/// Notes that every move is over.
pub async fn finish(tx: &mut Tx) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query("update reseals set finished_at = $1 where finished_at is null").bind(now)
    )?;
    Ok(())
}

/// Says which master keys a serving node holds.
pub async fn announce(tx: &mut Tx, node: &str, fingerprints: &[String]) -> Result<(), StoreError> {
    forget(tx, node).await?;
    for fingerprint in fingerprints {
        exec!(
            tx,
            sqlx::query("insert into master_key_holders (node_id, fingerprint) values ($1, $2)")
                .bind(node)
                .bind(fingerprint)
        )?;
    }
    // Of nodes that are gone nobody asks any more.
    exec!(tx, sqlx::query(
            "delete from master_key_holders where node_id <> $1 and node_id not in (select id from nodes)"
        ).bind(node))?;
    Ok(())
}

/// Forgets what a node holds: it leaves.
pub async fn forget(tx: &mut Tx, node: &str) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("delete from master_key_holders where node_id = $1").bind(node)
    )?;
    Ok(())
}

/// Serving nodes that do not hold the master key `fingerprint`.
pub async fn nodes_without(tx: &mut Tx, fingerprint: &str) -> Result<Vec<String>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select id from nodes where not exists (select 1 from master_key_holders h \
             where h.node_id = nodes.id and h.fingerprint = $1) order by id",
        )
        .bind(fingerprint)
        .fetch_all(c)
        .await
    })?)
}
