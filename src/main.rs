fn main() -> anyhow::Result<()> {
    for p in std::env::args().skip(1) {
        println!("{}", serde_json::to_string(&gandle::train::replay::replay(p.as_ref())?)?);
    }
    Ok(())
}
