//! What market days cost over gRPC: plans for a hundred products with three years of history, also the moment
//! after a sale; feedback on them; sums over a million sales of a month.

use std::error::Error;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use larder_proto::google::r#type::{Date, Money};
use larder_proto::larder::market::v1::market_service_client::MarketServiceClient;
use larder_proto::larder::market::v1::*;
use larder_testkit::Row;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::program::Larder;

const PRODUCTS: i64 = 100;
const MARKETS: [&str; 2] = ["north", "south"];
const WEEKS: i64 = 156;
const HOURS: [i64; 3] = [8, 10, 12];
const MILLION: i64 = 1_000_000;
const MONTH_DAYS: i64 = 30;
const BATCH_ROWS: usize = 10_000;
const WARMUP: usize = 30;
const CALLS: usize = 400;
const CALLS_A_GROUP: usize = 40;

type Client = MarketServiceClient<InterceptedService<Channel, Tenant>>;

/// Says whose stand it is, as development allows.
#[derive(Clone)]
struct Tenant(MetadataValue<Ascii>);

impl Interceptor for Tenant {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("x-larder-tenant", self.0.clone());
        Ok(request)
    }
}

/// Measures a stand and a chain of stands with a million sales.
pub(crate) fn measure(larder: &Larder) -> Result<(), Box<dyn Error>> {
    let larder = larder.on_folder("stand");
    let running = larder.start(&[])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let measured = runtime.block_on(async {
        let channel = Channel::from_shared(running.service_url())?.connect().await?;
        let client = |tenant: &'static str| {
            let tenant = Tenant(MetadataValue::from_static(tenant));
            MarketServiceClient::with_interceptor(channel.clone(), tenant).max_decoding_message_size(64 << 20)
        };
        stand(client("stand")).await?;
        chain(client("chain")).await
    });
    running.stop()?;
    measured
}

async fn stand(mut client: Client) -> Result<(), Box<dyn Error>> {
    open(&mut client).await?;
    let today = today();
    let saturday = today - (today + 3).rem_euclid(7) + 5;
    let saturday = if saturday >= today { saturday - 7 } else { saturday };
    for (market, name) in MARKETS.iter().enumerate() {
        let days = (0..WEEKS).map(|week| saturday - 7 * week + market as i64 - 1);
        let sales =
            days.flat_map(|day| (0..PRODUCTS).flat_map(move |product| day_of_product(name, product, day)));
        record(&mut client, sales).await?;
    }
    let plan = PlanMarketDayRequest {
        market_id: MARKETS[0].to_owned(),
        held_on: Some(date(saturday + 14)),
        ..PlanMarketDayRequest::default()
    };
    let mut times = Times::default();
    for call in 0..WARMUP + CALLS {
        let started = Instant::now();
        let answer = client.plan_market_day(plan.clone()).await?.into_inner();
        if call >= WARMUP {
            times.note(started)?;
        }
        let lines = answer.plan.map_or(0, |plan| plan.lines.len());
        if lines != usize::try_from(PRODUCTS)? {
            return Err(format!("a plan has {lines} products").into());
        }
    }
    times.print("plan-market-day", "< 50");
    after_sales(&mut client, &plan, saturday).await?;
    feedback(&mut client, saturday).await
}

/// The first plan after a sale, and how long until one knows of it.
async fn after_sales(
    client: &mut Client,
    plan: &PlanMarketDayRequest,
    saturday: i64,
) -> Result<(), Box<dyn Error>> {
    let (mut first, mut until_known) = (Times::default(), Vec::new());
    for round in 0..40 {
        let mut sale = day_of_product(MARKETS[0], round % PRODUCTS, saturday - 1).swap_remove(0);
        sale.sale_id = format!("late-{round}");
        record(client, std::iter::once(sale)).await?;
        let started = Instant::now();
        let mut is_behind = client
            .plan_market_day(plan.clone())
            .await?
            .into_inner()
            .plan
            .is_some_and(|plan| plan.model_is_behind);
        first.note(started)?;
        while is_behind {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let answer = client.plan_market_day(plan.clone()).await?.into_inner();
            is_behind = answer.plan.is_some_and(|plan| plan.model_is_behind);
        }
        until_known.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    first.print("plan-after-a-sale", "< 50");
    Row::new("plan-knows-of-a-sale-after-p50", crate::middle(until_known), "ms").print();
    Ok(())
}

async fn feedback(client: &mut Client, saturday: i64) -> Result<(), Box<dyn Error>> {
    let mut times = Times::default();
    for call in 0..WARMUP + CALLS {
        let week = i64::try_from(call)? % WEEKS;
        let line = |product: i64| FeedbackLine {
            product_id: product_id(product),
            brought: 40.0 + (product + week).rem_euclid(17) as f64,
            own_plan: Some(45.0),
            ..FeedbackLine::default()
        };
        let request = SubmitFeedbackRequest {
            market_id: MARKETS[0].to_owned(),
            held_on: Some(date(saturday - 7 * week - 1)),
            lines: (0..PRODUCTS).map(line).collect(),
        };
        let started = Instant::now();
        client.submit_feedback(request).await?;
        if call >= WARMUP {
            times.note(started)?;
        }
    }
    times.print("submit-feedback", "< 35");
    Ok(())
}

/// Sums of the last thirty days over a million sales, some of them under promotions.
async fn chain(mut client: Client) -> Result<(), Box<dyn Error>> {
    open(&mut client).await?;
    let first = today() - MONTH_DAYS + 1;
    let a_day = MILLION / MONTH_DAYS;
    let sales = (0..MONTH_DAYS).flat_map(|day| {
        (0..a_day).map(move |number| {
            let minute = 6 * 60 + number * 7 % (12 * 60);
            let product = (number * 31 + day) % PRODUCTS;
            let under = if product % 10 == 0 && day % 7 < 2 {
                format!("offer-{}", product / 10)
            } else {
                String::new()
            };
            let sold = sale(&format!("c-{day}-{number}"), MARKETS[(number % 2) as usize], product);
            Sale { promotion_id: under, ..sold }.at(first + day, minute)
        })
    });
    // What would be sold later today is not sold yet.
    let now_s = clock().as_secs() as i64;
    record(&mut client, sales.filter(|sale| sale.sold_at.as_ref().is_some_and(|at| at.seconds < now_s)))
        .await?;
    let groups = [
        SalesGroup::Product,
        SalesGroup::Market,
        SalesGroup::Weekday,
        SalesGroup::Hour,
        SalesGroup::Day,
        SalesGroup::Promotion,
        SalesGroup::Budget,
    ];
    let mut times = Times::default();
    for group in groups {
        let mut of_group = Times::default();
        for call in 0..CALLS_A_GROUP + 3 {
            let request =
                GetSalesAnalyticsRequest { group_by: group.into(), ..GetSalesAnalyticsRequest::default() };
            let started = Instant::now();
            client.get_sales_analytics(request).await?;
            if call >= 3 {
                times.note(started)?;
                of_group.note(started)?;
            }
        }
        eprintln!("{}: {:.1} ms, at most {:.1}", group.as_str_name(), of_group.at(0.5), of_group.at(1.0));
    }
    times.print("sales-analytics-30-days-of-a-million", "< 100");
    Ok(())
}

async fn open(client: &mut Client) -> Result<(), Box<dyn Error>> {
    let markets = MARKETS.map(|name| Market {
        market_id: name.to_owned(),
        name: name.to_owned(),
        time_zone: "UTC".to_owned(),
        country: "DE".to_owned(),
        currency_code: "EUR".to_owned(),
        weekdays: vec![Weekday::Friday.into(), Weekday::Saturday.into()],
        ..Market::default()
    });
    client.batch_upsert_markets(BatchUpsertMarketsRequest { markets: markets.into() }).await?;
    let market_products = (0..PRODUCTS).map(|product| MarketProduct {
        product_id: product_id(product),
        price: euros(400),
        unit_cost: euros(150),
        ..MarketProduct::default()
    });
    let request = BatchUpsertMarketProductsRequest { market_products: market_products.collect() };
    let answer = client.batch_upsert_market_products(request).await?.into_inner();
    if answer.rejected_count == 0 { Ok(()) } else { Err(format!("terms were refused: {answer:?}").into()) }
}

async fn record(client: &mut Client, sales: impl Iterator<Item = Sale>) -> Result<(), Box<dyn Error>> {
    let mut sales = sales.peekable();
    while sales.peek().is_some() {
        let batch: Vec<Sale> = sales.by_ref().take(BATCH_ROWS).collect();
        let answer = client.record_sales(RecordSalesRequest { sales: batch }).await?.into_inner();
        if answer.rejected_count > 0 {
            let refused =
                answer.verdicts.iter().find(|verdict| verdict.status.as_ref().is_some_and(|s| s.code != 0));
            return Err(format!("sales were refused: {refused:?}").into());
        }
    }
    Ok(())
}

/// What a product sells on a day: about forty units in three parts, more in summer and on some days.
fn day_of_product(market: &str, product: i64, day: i64) -> Vec<Sale> {
    let wave = (day * 7 + product * 13).rem_euclid(19) - 9 + (day.rem_euclid(364) - 182).abs() / 20;
    let part = |hour: i64| {
        let id = format!("{market}-{product}-{day}-{hour}");
        let units = (8 + product % 9 + wave.max(-6)) as f64;
        Sale {
            quantity: units,
            amount: euros(400 * units as i64),
            ..sale(&id, market, product).at(day, hour * 60)
        }
    };
    HOURS.into_iter().map(part).collect()
}

fn sale(sale_id: &str, market: &str, product: i64) -> Sale {
    Sale {
        sale_id: sale_id.to_owned(),
        market_id: market.to_owned(),
        product_id: product_id(product),
        quantity: 1.0,
        amount: euros(400),
        ..Sale::default()
    }
}

trait At {
    fn at(self, day: i64, minute: i64) -> Self;
}

impl At for Sale {
    fn at(mut self, day: i64, minute: i64) -> Self {
        self.sold_at = Some(prost_types::Timestamp { seconds: day * 86_400 + minute * 60, nanos: 0 });
        self
    }
}

fn product_id(product: i64) -> String {
    format!("product-{product:03}")
}

fn euros(cents: i64) -> Option<Money> {
    let nanos = i32::try_from(cents % 100).unwrap_or(0) * 10_000_000;
    Some(Money { currency_code: "EUR".to_owned(), units: cents / 100, nanos })
}

fn date(day: i64) -> Date {
    let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
    Date { year: date.year().into(), month: date.month().into(), day: date.day().into() }
}

fn clock() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Days since 1970.
fn today() -> i64 {
    i64::try_from(clock().as_secs() / 86_400).unwrap_or(0)
}

/// Times of calls.
struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new(3).expect("three digits are few enough"))
    }
}

impl Times {
    fn note(&mut self, started: Instant) -> Result<(), Box<dyn Error>> {
        Ok(self.0.record(u64::try_from(started.elapsed().as_micros())?)?)
    }

    fn print(&self, id: &str, target: &str) {
        Row::new(&format!("{id}-p50"), self.at(0.5), "ms").print();
        Row::new(&format!("{id}-p99"), self.at(0.99), "ms").target(target).print();
    }

    fn at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1_000.0
    }
}
