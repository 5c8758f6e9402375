use serde::Serialize;

/// Someone who can sign in.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Login {
    /// The address.
    pub email: &'static str,
    /// The name.
    #[serde(skip)]
    pub name: &'static str,
    /// Who it is, and why to be them.
    pub who: &'static str,
    /// The account of a customer; `None` for the admin.
    #[serde(skip)]
    pub account: Option<&'static str>,
}

/// The fixed logins.
pub const LOGINS: [Login; 3] = [
    Login {
        email: "priya@rollcall.example",
        name: "Priya",
        who: "an admin of the platform",
        account: None,
    },
    Login {
        email: "mei@juniper.example",
        name: "Mei Lin",
        who: "a customer on a calm day (Juniper Clinic)",
        account: Some("Juniper Clinic"),
    },
    Login {
        email: "ana@northwind.example",
        name: "Ana Silva",
        who: "a customer with a dead integration (Northwind)",
        account: Some("Northwind"),
    },
];

/// A customer.
#[derive(Debug)]
pub struct House {
    /// Its name.
    pub name: &'static str,
    /// The host of its addresses.
    pub host: &'static str,
    /// Whom to warn.
    pub contact: &'static str,
    /// Its integrations.
    pub clients: &'static [Client],
}

/// An integration.
#[derive(Debug)]
pub struct Client {
    /// Its name.
    pub name: &'static str,
    /// When it calls.
    pub habit: Habit,
    /// What became of its token.
    pub fate: Fate,
    /// What it says it is.
    pub agent: &'static str,
    /// Where it calls from: an address for documentation (RFC 5737).
    source: &'static str,
    /// Its second machine, if it runs on two.
    twin: Option<&'static str>,
}

/// When an integration calls. Days are counted back from today, hours are UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// All day long.
    Hourly,
    /// Every day at this hour.
    Daily(i64),
    /// Every seventh day, the last one this many days ago, at this hour.
    Weekly(i64, i64),
    /// Every thirtieth day, the last one this many days ago, at this hour.
    Monthly(i64, i64),
    /// All day long, until this many days ago.
    Until(i64),
    /// All day long, but not between these days.
    Pausing(i64, i64),
    /// Not once.
    Never,
}

/// What became of an integration's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was issued at the beginning.
    Old,
    /// It was issued this many days ago.
    Since(i64),
    /// It was replaced by a new one this many days ago.
    Renewed(i64),
    /// It was revoked this many days ago.
    Revoked(i64),
    /// It expired this many days ago.
    Expired(i64),
    /// It missed the last cutover, and nobody has mended it.
    Dead,
    /// It has not been seen in this recording phase, and calls this many seconds after the start.
    Soon(u64),
}

impl Client {
    /// Whether it is the one that is answered 401.
    pub fn is_dead(&self) -> bool {
        self.fate == Fate::Dead
    }

    /// Requests on a day so many days ago: the hour, and how many at once.
    pub fn calls_on(&self, ago: i64) -> Vec<(i64, u32)> {
        let all_day = || [1, 7, 13, 19].map(|hour| (hour, 6)).to_vec();
        match self.habit {
            Habit::Hourly => all_day(),
            Habit::Until(last) if ago >= last => all_day(),
            Habit::Pausing(from, to) if ago > from || ago < to => all_day(),
            Habit::Daily(hour) => vec![(hour, 1)],
            Habit::Weekly(last, hour) if ago % 7 == last => vec![(hour, 1)],
            Habit::Monthly(last, hour) if ago % 30 == last => vec![(hour, 1)],
            _ => Vec::new(),
        }
    }

    const fn new(
        name: &'static str,
        habit: Habit,
        agent: &'static str,
        source: &'static str,
    ) -> Self {
        Self {
            name,
            habit,
            fate: Fate::Old,
            agent,
            source,
            twin: None,
        }
    }

    const fn and_from(mut self, twin: &'static str) -> Self {
        self.twin = Some(twin);
        self
    }

    /// Where one of its requests comes from: its machines take turns.
    pub fn source_of(&self, request: u64) -> &'static str {
        self.twin
            .filter(|_| !request.is_multiple_of(2))
            .unwrap_or(self.source)
    }

    const fn but(mut self, fate: Fate) -> Self {
        self.fate = fate;
        self
    }
}

use Habit::{Daily, Hourly, Monthly, Never, Pausing, Until, Weekly};

/// The customers of a platform for messages.
pub const HOUSES: &[House] = &[
    House {
        name: "Northwind",
        host: "northwind.example",
        contact: "ops@northwind.example",
        clients: &[
            Client::new(
                "Order sync",
                Pausing(52, 24),
                "northwind-orders/3.2",
                "203.0.113.21",
            )
            .and_from("203.0.113.23")
            .but(Fate::Dead),
            Client::new(
                "Billing export",
                Monthly(13, 1),
                "curl/8.5.0",
                "203.0.113.22",
            ),
            Client::new("Support inbox", Hourly, "node-fetch/3.3.2", "203.0.113.7"),
            Client::new(
                "CRM bridge",
                Daily(6),
                "python-requests/2.32.3",
                "198.51.100.4",
            ),
        ],
    },
    House {
        name: "Kestrel Labs",
        host: "kestrel.example",
        contact: "dev@kestrel.example",
        clients: &[
            Client::new(
                "Alerts relay",
                Pausing(53, 35),
                "Go-http-client/2.0",
                "198.51.100.31",
            )
            .but(Fate::Renewed(34)),
            Client::new("Nightly backup", Daily(2), "restic/0.16.4", "198.51.100.32"),
            Client::new("Usage meter", Hourly, "Go-http-client/2.0", "198.51.100.33"),
            Client::new(
                "Monthly invoice",
                Monthly(11, 2),
                "okhttp/4.12.0",
                "198.51.100.34",
            ),
            Client::new("Staging tests", Never, "pytest", "198.51.100.35").but(Fate::Since(25)),
        ],
    },
    House {
        name: "Blue Harbor",
        host: "blueharbor.example",
        contact: "it@blueharbor.example",
        clients: &[
            Client::new("Shipment notices", Until(12), "axios/1.7.2", "192.0.2.41")
                .but(Fate::Soon(150)),
            Client::new("Port schedule", Until(15), "axios/1.7.2", "192.0.2.42"),
        ],
    },
    House {
        name: "Ovid Press",
        host: "ovid.example",
        contact: "hello@ovid.example",
        clients: &[
            Client::new("Newsletter", Never, "", "192.0.2.50").but(Fate::Since(30)),
            Client::new("Subscriber sync", Daily(5), "GuzzleHttp/7", "192.0.2.51"),
        ],
    },
    House {
        name: "Meridian Bank",
        host: "meridian.example",
        contact: "platform@meridian.example",
        clients: &[
            Client::new(
                "Fraud alerts",
                Hourly,
                "Java-http-client/21",
                "203.0.113.60",
            ),
            Client::new(
                "Statement sender",
                Weekly(3, 4),
                "Java-http-client/21",
                "203.0.113.61",
            ),
            Client::new(
                "Branch reminders",
                Daily(7),
                "Java-http-client/21",
                "203.0.113.62",
            ),
        ],
    },
    House {
        name: "Juniper Clinic",
        host: "juniper.example",
        contact: "it@juniper.example",
        clients: &[
            Client::new(
                "Appointment reminders",
                Hourly,
                "Dart/3.4 (dart:io)",
                "198.51.100.70",
            ),
            Client::new(
                "Lab results",
                Daily(10),
                "python-httpx/0.27.0",
                "198.51.100.71",
            ),
            Client::new(
                "Recall letters",
                Weekly(5, 9),
                "python-httpx/0.27.0",
                "198.51.100.71",
            ),
        ],
    },
    House {
        name: "Tallow & Co",
        host: "tallow.example",
        contact: "web@tallow.example",
        clients: &[
            Client::new("Order sync", Hourly, "Shopify-Captain-Hook", "203.0.113.80"),
            Client::new("Stock feed", Daily(4), "curl/7.88.1", "203.0.113.81"),
        ],
    },
    House {
        name: "Fjord Logistics",
        host: "fjord.example",
        contact: "drift@fjord.example",
        clients: &[
            Client::new("Driver dispatch", Hourly, "okhttp/4.12.0", "192.0.2.90"),
            Client::new("Customs export", Weekly(2, 11), "dotnet/8.0", "192.0.2.91"),
        ],
    },
    House {
        name: "Lumen Energy",
        host: "lumen.example",
        contact: "integration@lumen.example",
        clients: &[
            Client::new(
                "Meter readings",
                Hourly,
                "rust-reqwest/0.12",
                "198.51.100.100",
            ),
            Client::new(
                "Outage notices",
                Daily(12),
                "rust-reqwest/0.12",
                "198.51.100.101",
            ),
            Client::new(
                "Quarter report",
                Monthly(27, 3),
                "curl/8.5.0",
                "198.51.100.102",
            )
            .but(Fate::Renewed(28)),
        ],
    },
    House {
        name: "Pinecone School",
        host: "pinecone.example",
        contact: "office@pinecone.example",
        clients: &[
            Client::new("Parent messages", Daily(14), "GuzzleHttp/7", "192.0.2.110"),
            Client::new("Absence alerts", Daily(8), "GuzzleHttp/7", "192.0.2.110"),
        ],
    },
    House {
        name: "Quarry Tools",
        host: "quarry.example",
        contact: "api@quarry.example",
        clients: &[
            Client::new("Sales bot", Hourly, "node-fetch/3.3.2", "203.0.113.120"),
            Client::new("Catalogue push", Weekly(6, 22), "Ruby", "203.0.113.121"),
        ],
    },
    House {
        name: "Saffron Kitchens",
        host: "saffron.example",
        contact: "tech@saffron.example",
        clients: &[
            Client::new(
                "Table bookings",
                Hourly,
                "python-requests/2.31.0",
                "198.51.100.130",
            ),
            Client::new(
                "Loyalty export",
                Monthly(10, 23),
                "curl/8.5.0",
                "198.51.100.131",
            ),
        ],
    },
    House {
        name: "Harbour Radio",
        host: "harbourradio.example",
        contact: "studio@harbourradio.example",
        clients: &[
            Client::new("Studio line", Daily(5), "Zapier", "192.0.2.140"),
            Client::new(
                "Contest votes",
                Until(20),
                "Twilio-style/1.0",
                "192.0.2.141",
            )
            .but(Fate::Soon(45)),
        ],
    },
    House {
        name: "Ember Games",
        host: "ember.example",
        contact: "live@ember.example",
        clients: &[
            Client::new("Matchmaker", Hourly, "UnityPlayer/2022.3", "203.0.113.150"),
            Client::new("Push campaign", Until(16), "okhttp/4.12.0", "203.0.113.151")
                .but(Fate::Revoked(16)),
            Client::new("Season mail", Until(10), "okhttp/4.12.0", "203.0.113.152")
                .but(Fate::Expired(10)),
        ],
    },
    House {
        name: "Nimbus Travel",
        host: "nimbus.example",
        contact: "eng@nimbus.example",
        clients: &[
            Client::new(
                "Booking confirmations",
                Hourly,
                "Go-http-client/2.0",
                "198.51.100.160",
            )
            .but(Fate::Renewed(4)),
            Client::new(
                "Itinerary mail",
                Until(9),
                "Go-http-client/2.0",
                "198.51.100.161",
            )
            .but(Fate::Renewed(1)),
        ],
    },
];
