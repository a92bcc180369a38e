"""What the customers of the demo desk write about. Data: one entry a topic, titles in the words of the customers.

A title hints at the work it hides: the number beside it is its `work_factor`, above 1 = more than usual for its topic.
"""

from __future__ import annotations

from typing import TypedDict, Unpack

from simulation.world import LogNormal, Misrouting, Outage, Title, Topic

SERVICE_DESK = "Service Desk"
WORKPLACE = "Workplace"
NETWORK = "Network"
APPLICATIONS = "Business Applications"
IDENTITY = "Identity and Access"
DATA_CENTRE = "Data Centre"
TEAMS = (SERVICE_DESK, WORKPLACE, NETWORK, APPLICATIONS, IDENTITY, DATA_CENTRE)

# Shares of priority 1 to 4
CALM = (0.01, 0.06, 0.50, 0.43)
USUAL = (0.02, 0.13, 0.60, 0.25)
PRESSING = (0.06, 0.26, 0.55, 0.13)
ALARMING = (0.20, 0.45, 0.35, 0.00)

# Planted: what Workplace gives to Network lies there unseen for hours, and now and then comes back once before it is accepted.
BAD_HAND_OVER = Misrouting(WORKPLACE, 0.38, LogNormal(25.0, 0.5), LogNormal(420.0, 0.5), bounce_share=0.25)
FROM_SERVICE_DESK = Misrouting(SERVICE_DESK, 0.10, LogNormal(12.0, 0.4), LogNormal(20.0, 0.6))
FROM_APPLICATIONS = Misrouting(APPLICATIONS, 0.12, LogNormal(15.0, 0.4), LogNormal(30.0, 0.6))


OUTLOOK = {
    "Outlook asks for the password again and again": 0.7,
    "Shared mailbox is no longer visible": 0.9,
    "Mails stay in the outbox": 1.0,
    "Mailboxes of a whole department missing": 2.4,
}
MEETINGS = {
    "No sound in Teams meetings": 0.8,
    "Teams shows me as offline all day": 0.7,
    "Guests cannot join our meetings": 1.4,
    "Conference room screen stays black": 1.5,
}
QUESTIONS = {
    "How do I book a meeting room for next month?": 0.6,
    "Where do I find the travel expense form?": 0.5,
    "How can I share a folder with a supplier?": 1.2,
    "Need help with a pivot table before 2 pm": 1.8,
}
PASSWORDS = {
    "Account locked after holiday": 0.8,
    "Forgot my password": 0.7,
    "Second factor lost with the old phone": 1.9,
}
PERMISSIONS = {
    "Please give me access to the finance share": 0.9,
    "Rights as my predecessor": 1.3,
    "Read access for an auditor": 1.1,
    "Access for forty temporary staff by Monday": 2.8,
}
STARTERS = {
    "New colleague starts on the first": 1.0,
    "Accounts for two trainees": 1.3,
    "Colleague moves to another department": 0.8,
}
LAPTOPS = {
    "Laptop battery lasts ten minutes": 0.9,
    "Blue screen twice a day": 1.7,
    "Laptop fell, display cracked": 1.1,
    "Fan is loud and the keyboard gets hot": 0.9,
}
MONITORS = {
    "Second monitor flickers": 0.8,
    "Docking station not recognised": 1.1,
    "Need a higher desk arm for two screens": 0.9,
}
PRINTERS = {
    "Paper jam on the third floor": 0.7,
    "Labels are printed shifted by a line": 1.6,
    "Printer not found after moving desks": 0.9,
    "Delivery notes do not print in the warehouse": 1.8,
}
INSTALLATIONS = {
    "Please install the PDF editor": 0.7,
    "Licence of the drawing program has expired": 1.0,
    "Update fails with error 1603": 1.9,
}
PHONES = {
    "Mails no longer arrive on my phone": 0.9,
    "New SIM card for a company phone": 0.8,
    "Phone lost on the train, please wipe it": 1.3,
}
REMOTE = {
    "VPN drops every few minutes": 1.6,
    "Cannot reach the file server from home": 0.9,
    "VPN client asks for a certificate": 0.8,
    "VPN very slow since this morning": 1.5,
}
WIRELESS = {
    "No Wi-Fi in the meeting room": 0.8,
    "Scanner in the warehouse loses the Wi-Fi": 1.7,
    "Guest Wi-Fi code does not work": 0.5,
}
FIREWALLS = {
    "Open port for the new label printer": 0.8,
    "Partner cannot reach our transfer server": 1.3,
    "Connect the new site in Leipzig": 2.6,
}
ORDERS = {
    "Order cannot be saved": 1.0,
    "Wrong VAT on invoices to Austria": 1.8,
    "Order stuck in approval": 0.7,
    "Stock shows negative amounts": 1.5,
}
REPORTS = {
    "Month-end report does not finish": 1.3,
    "Figures differ between two reports": 1.8,
    "Report opens empty": 0.8,
}
RECORDS = {
    "Duplicate customers after import": 1.5,
    "Contact cannot be edited": 0.8,
    "Campaign mails went out twice": 1.8,
}
TIMESHEETS = {
    "Overtime of last month is missing": 1.0,
    "Cannot approve my team's time sheets": 0.8,
    "Payroll export rejected by the bank": 2.0,
}
CHECKOUTS = {
    "Checkout shows an error to customers": 1.2,
    "Voucher codes are not accepted": 0.8,
    "Payments arrive without an order": 1.9,
}
RESTORES = {
    "Folder deleted by mistake": 0.8,
    "Need yesterday's version of a spreadsheet": 0.7,
    "Project share shows old files": 1.9,
}
QUOTAS = {"Drive is full": 0.8, "Mailbox over quota": 0.7, "More space for the design team": 1.5}
DATABASES = {
    "Evening batch ran three hours longer": 1.7,
    "Search takes a minute": 1.2,
    "Test database needs a fresh copy": 0.8,
}
BACKUPS = {"Backup job failed overnight": 0.9, "Backup volume at 95 percent": 1.1, "Tape library reports an error": 1.9}


class _Between(TypedDict, total=False):
    """What may come between opening and solution."""

    ask_customer_share: float
    ask_supplier_share: float
    supplier: LogNormal
    misrouting: tuple[Misrouting, ...]


def _topic(
    place: str,
    team: str,
    weight: float,
    work: tuple[float, float],
    shares: tuple[float, ...],
    titles: dict[str, float],
    **between: Unpack[_Between],
) -> Topic:
    """Return a topic from "service / category / subcategory" and the median (hands-on minutes) and log-sd of its work."""
    service, category, subcategory = place.split(" / ")
    written = tuple(Title(text, factor) for text, factor in titles.items())
    return Topic(service, category, subcategory, team, weight, LogNormal(*work), written, shares, **between)


# fmt: off
TOPICS = (
    _topic("E-mail / Software / Mail client", SERVICE_DESK, 9, (40, 0.8), USUAL, OUTLOOK),
    _topic("Collaboration / Software / Meetings", SERVICE_DESK, 7, (40, 0.7), USUAL, MEETINGS),
    _topic("Workplace / How-to / Question", SERVICE_DESK, 8, (22, 0.7), CALM, QUESTIONS, ask_customer_share=0.12),
    _topic("Identity / Access / Password", IDENTITY, 9, (15, 0.6), PRESSING, PASSWORDS, ask_customer_share=0.05, misrouting=(FROM_SERVICE_DESK,)),
    _topic("Identity / Access / Permission", IDENTITY, 7, (45, 0.8), CALM, PERMISSIONS, ask_customer_share=0.40),
    _topic("Identity / Access / New starter", IDENTITY, 4, (95, 0.6), CALM, STARTERS, ask_customer_share=0.45),
    # Planted: repairs wait for the manufacturer, and the customer's clock runs meanwhile.
    _topic("Workplace / Hardware / Laptop", WORKPLACE, 6, (95, 0.8), USUAL, LAPTOPS, ask_supplier_share=0.45, supplier=LogNormal(1600, 0.6)),
    _topic("Workplace / Hardware / Monitor and dock", WORKPLACE, 4, (55, 0.7), CALM, MONITORS, ask_supplier_share=0.12),
    _topic("Printing / Hardware / Printer", WORKPLACE, 5, (50, 0.8), USUAL, PRINTERS, ask_supplier_share=0.25, misrouting=(FROM_SERVICE_DESK,)),
    _topic("Workplace / Software / Installation", WORKPLACE, 5, (55, 0.7), CALM, INSTALLATIONS, ask_supplier_share=0.1),
    _topic("Mobile / Hardware / Phone", WORKPLACE, 4, (50, 0.7), USUAL, PHONES, ask_supplier_share=0.08),
    _topic("VPN / Network / Remote access", NETWORK, 5, (75, 0.8), PRESSING, REMOTE, ask_supplier_share=0.1, misrouting=(BAD_HAND_OVER,)),
    _topic("Wi-Fi / Network / Wireless", NETWORK, 4, (75, 0.8), USUAL, WIRELESS, ask_supplier_share=0.2, misrouting=(BAD_HAND_OVER,)),
    _topic("Network / Network / Firewall", NETWORK, 3, (110, 0.8), USUAL, FIREWALLS, ask_supplier_share=0.3, ask_customer_share=0.35),
    _topic("ERP / Application / Order entry", APPLICATIONS, 6, (100, 0.9), PRESSING, ORDERS, ask_supplier_share=0.15, misrouting=(FROM_SERVICE_DESK,)),
    _topic("ERP / Application / Reporting", APPLICATIONS, 4, (110, 0.8), USUAL, REPORTS, ask_supplier_share=0.2),
    _topic("CRM / Application / Customer record", APPLICATIONS, 5, (80, 0.8), USUAL, RECORDS, ask_supplier_share=0.2),
    _topic("Payroll / Application / Time sheet", APPLICATIONS, 3, (90, 0.8), USUAL, TIMESHEETS, ask_supplier_share=0.25, ask_customer_share=0.30),
    _topic("Web shop / Application / Checkout", APPLICATIONS, 3, (90, 0.8), ALARMING, CHECKOUTS, ask_supplier_share=0.15),
    _topic("File storage / Server / Restore", DATA_CENTRE, 5, (60, 0.7), PRESSING, RESTORES, misrouting=(FROM_SERVICE_DESK,)),
    _topic("File storage / Server / Space", DATA_CENTRE, 4, (30, 0.6), CALM, QUOTAS),
    _topic("Database / Server / Performance", DATA_CENTRE, 3, (150, 0.9), PRESSING, DATABASES, ask_supplier_share=0.2, misrouting=(FROM_APPLICATIONS,)),
    _topic("Backup / Server / Backup job", DATA_CENTRE, 3, (75, 0.8), USUAL, BACKUPS, ask_supplier_share=0.3, ask_customer_share=0.0),
)
# fmt: on

# Planted: the VPN is flaky. While it is down, a wave of calls meets a small team, and the ordinary tickets wait.
OUTAGES = (
    Outage("VPN", 0.9, LogNormal(100.0, 0.6), 12.0, _topic(
        "VPN / Network / Outage", NETWORK, 1, (45, 0.7), ALARMING,
        {"VPN is down for everybody here": 1.2, "Nobody can connect from home": 1.0, "VPN connection refused": 0.8}, ask_customer_share=0.02,
        misrouting=(FROM_SERVICE_DESK,),
    )),
    Outage("ERP", 0.25, LogNormal(80.0, 0.6), 10.0, _topic(
        "ERP / Application / Outage", APPLICATIONS, 1, (45, 0.7), ALARMING,
        {"ERP does not start": 1.0, "All orders show a server error": 1.2, "Warehouse cannot book goods": 1.1}, ask_customer_share=0.02,
    )),
)  # fmt: skip
